"""Numbers of things in messages: one takes the singular."""


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 file`, `3 files`, `1,200 files`; `several` is for plurals that do not just take an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
