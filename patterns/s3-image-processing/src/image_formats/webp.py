"""WebP: corrects the length in the header."""


def with_true_length(data: bytes) -> bytes:
    """The file with its real length in the header, and with the byte that pads its last chunk to an even length.

    Some writers state another length or leave that byte out. Browsers do not mind, while libwebp's demultiplexer
    refuses the file. One whose pixels are incomplete is left as it is.
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
