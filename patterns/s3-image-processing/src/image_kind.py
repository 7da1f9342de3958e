"""Telling the kind of an image from its bytes."""

from image_rejections import Rejected

READABLE = ("jpeg", "png", "webp", "gif", "tiff", "avif", "heif")


def sniff(data: bytes) -> str:
    """Tell the kind of image from its first bytes (never from its name): one of READABLE, or raise Rejected."""
    if not data:
        raise Rejected("empty", "the object is empty")
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    raise Rejected("not-an-image", f"the bytes are not {', '.join(READABLE[:-1])} or {READABLE[-1]}")


def _sniff_brands(data: bytes) -> str:
    """AVIF, HEIF and films share one container; its brands (major, minor version, compatible ones) tell them apart."""
    box = data[8 : max(8, min(int.from_bytes(data[:4], "big"), 256))]
    brands = {box[at : at + 4] for at in range(0, len(box), 4)}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "heif"
    raise Rejected("not-an-image", "the bytes are a film or another file of the same container, not a picture")
