"""WebP: corrects the length in the header."""


def with_true_length(data: bytes) -> bytes:
    """Correct the length in the header, and append the byte that pads the last chunk to an even length.

    Some writers state a wrong length or leave that byte out. Browsers show such files; libwebp's demultiplexer refuses
    them. A file with incomplete pixels is returned unchanged.
    """
    stated = int.from_bytes(data[4:8], "little") + 8
    if stated <= len(data) and stated % 2 == 0:
        return data
    at, padding = 12, 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        padding = length % 2
        at += 8 + length + padding
    missing = at - len(data)
    if not 0 <= missing <= padding:
        return data
    return data[:4] + (at - 8).to_bytes(4, "little") + data[8:] + bytes(missing)
