"""GIF: the position of the first frame on the canvas."""


def first_frame(data: bytes) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the first frame in pixels; None if there is no frame."""
    at = 13 + _palette_bytes(data[10])
    while at < len(data):
        if data[at] == 0x2C:
            left, top, width, height = (
                int.from_bytes(data[at + 1 + 2 * n : at + 3 + 2 * n], "little") for n in range(4)
            )
            return left, top, width, height
        if data[at] != 0x21:
            return None
        at += 2
        while at < len(data) and data[at]:  # sub-blocks of an extension, each led by its length
            at += 1 + data[at]
        at += 1
    return None


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 0x07) + 1) if flags & 0x80 else 0
