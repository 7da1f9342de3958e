"""Recognises the kind of a file by its first bytes, and names the kinds that are not supported.

Parsers that only some kinds need are imported when first used, which keeps cold starts short.
"""

from blueprints_shared.images.errors import InvalidImage, camera_raw

READABLE = ("jpeg", "png", "webp", "gif", "tiff", "avif", "heif")

_PHASE_ONE = (b"IIIITwaR", b"MMMMRawT")
_CAMERA_RAWS = {
    b"FUJIFILMCCD-RAW": "RAF",
    b"FOVb": "X3F",
    b"\0MRM": "MRW",
    b"\0MRI": "MRW",
    **dict.fromkeys(_PHASE_ONE, "IIQ"),
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"MMOR": "ORF",
    b"IIU\0": "RW2",
    b"II\x1a\0\0\0HEAPCCDR": "CRW",
}
_VIDEO = "the bytes are a video or another file in an MP4 container, not a picture"
_UNSUPPORTED = {
    b"\0\0\0\x0cJXL \r\n": "a JPEG XL image",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cjP  \r\n": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"II\xbc": "a JPEG XR image",
    b"BM": "a BMP image",
    b"\0\0\1\0": "an icon (ICO)",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"\x76\x2f\x31\x01": "an OpenEXR image",
    b"#?RADIANCE": "a Radiance HDR image",
    b"DDS ": "a DDS texture",
    b"<svg": "an SVG drawing",
    b"<?xml": "XML (an SVG drawing perhaps)",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"\x1aE\xdf\xa3": "a video (Matroska or WebM)",
    b"RIFF": "a video or audio file (RIFF)",
    b"PK\3\4": "a ZIP archive",
    b"\x1f\x8b": "compressed by gzip",
    b"<!doctype html": "an HTML page",
    b"<!DOCTYPE html": "an HTML page",
    b"<html": "an HTML page",
    b"------": "the body of a form (multipart/form-data), in which the image is one part",
    **dict.fromkeys(
        (b"data:image/", b"/9j/", b"iVBORw0KGgo", b"R0lGOD", b"UklGR"), "an image as Base64 text, to be decoded first"
    ),
    **dict.fromkeys(
        (b"\xef\xbf\xbd\xef\xbf\xbd", b"\xef\xbf\xbdPNG", b"\xc3\xbf\xc3\x98", b"\xc2\x89PNG"),
        "an image that was sent as text (UTF-8), which damages it",
    ),
}
_TEXT = bytes(range(32, 127)) + b"\t\r\n"
_VIDEO_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip"}  # old QuickTime files begin with these, not with `ftyp`


def recognise(data: bytes) -> str:
    """The kind of an image: one of READABLE. Raises InvalidImage, which names the kind, for anything else."""
    if not data:
        raise InvalidImage("empty", "the file is empty")
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _recognise_tiff(data)
    if data[4:8] == b"ftyp":
        return _recognise_brands(data)
    if data[4:8] in _VIDEO_BOXES:
        raise InvalidImage("not-an-image", _VIDEO)
    raise _unsupported(data)


def _recognise_tiff(data: bytes) -> str:
    """Return `tiff`, or raise InvalidImage for a camera raw file, whose small preview libvips would open."""
    from blueprints_shared.images.formats import tiff

    # The whole mark is compared: in other TIFFs these bytes may be pixels.
    if data[8:12] == b"CR\2\0":
        raise camera_raw("CR2")
    if data[8:16] in _PHASE_ONE:
        raise camera_raw("IIQ")
    if raw := tiff.find_camera_raw(tiff.read_directories(data)):
        raise raw
    return "tiff"


def _recognise_brands(data: bytes) -> str:
    """Return `avif` or `heif`, by the brands of the container that AVIF, HEIF and MP4 share."""
    from blueprints_shared.images.formats import heif

    brands = heif.brands(data)
    if heif.CANON_RAW in brands:
        raise camera_raw("CR3")
    if brands & heif.AVIF:
        return "avif"
    if brands & heif.HEIF:
        return "heif"
    raise InvalidImage("not-an-image", _VIDEO)


def _unsupported(data: bytes) -> InvalidImage:
    for start, name in _CAMERA_RAWS.items():
        if data.startswith(start):
            return camera_raw(name)
    readable = f"{', '.join(READABLE[:-1])} or {READABLE[-1]}"
    beginning = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, name in _UNSUPPORTED.items():
        if data.startswith(start) or beginning.startswith(start):
            return InvalidImage("not-an-image", f"the bytes are {name}, not {readable}")
    if not data.strip(b"\0"):
        return InvalidImage("not-an-image", f"the bytes are all zero, not {readable}")
    if not beginning.translate(None, _TEXT):
        return InvalidImage("not-an-image", f"the bytes are text, not {readable}")
    return InvalidImage("not-an-image", f"the bytes are not {readable}")
