"""Numbers with nouns in messages, in the singular or the plural."""


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 file`, `3 files`, `1,200 files`; `several` is for plurals that do not end in s alone."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
