"""GIF files whose frames are smaller than the canvas."""

import struct


def gif(frame, canvas=(40, 40), clear=False, frames=1, trailer=b";") -> bytes:
    """Frames of pure green at `frame` (left, top, width, height); `clear`: a colour is declared transparent."""
    palette = b"\xff\0\0\0\xff\0\0\0\xff\0\0\0"
    control = b"!\xf9\x04" + bytes([clear, 0, 0, 0, 0])
    picture = b"," + struct.pack("<HHHHB", *frame, 0) + b"\2" + _blocks(frame[2] * frame[3])
    header = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x81, 0, 0) + palette
    return header + (control + picture) * frames + trailer


def _blocks(pixels):
    """LZW codes of three bits: the table is cleared so often that they never grow."""
    codes = [code for at in range(pixels) for code in ([4, 1] if at % 2 == 0 else [1])] + [5]
    bits = "".join(f"{code:03b}"[::-1] for code in codes)
    data = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
