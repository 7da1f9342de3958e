"""Opens an image with libvips: first its header, then its pixels, shrunk while they are decoded.

The loader is chosen by the kind of the bytes (`image_kind`), not by libvips' own guess: libvips has several
loaders for some kinds, and new ones in every version. Modules that few images need are imported when first used.
"""

import math
from typing import Any

import pyvips
from image_rejections import Rejected

_OUT_OF_RESOURCES = ("out of memory", "No space left", "Too many open files")
_NOT_DONE = (
    "not implemented",
    "not supported",
    "not configured",
    "omitted at compile time",
    "not been built in",
    "No decoding plugin",
    "Unsupported codec",
    "Unsupported feature",
    "Unsupported file-type",
)
_HEIC = (
    "HEIC (HEVC, as iPhones write it) needs a decoder that this libvips lacks; "
    "take the picture as JPEG, or deploy a libvips that has one (the README says how)"
)


def read_header(data: bytes, kind: str) -> Any:
    """Open the image without decoding its pixels. Raises Rejected if its bytes are not of `kind`, or are damaged."""
    try:
        return _open(data, kind)
    except pyvips.Error as error:
        raise as_rejection(error, data, kind) from error


def check_header(header: Any, kind: str, max_pixels: int) -> None:
    """Raise Rejected if an image has more than `max_pixels`, or samples that are not colours or grey."""
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise Rejected(
            "too-many-pixels", f"{header.width} x {header.height} is {pixels:,} pixels; the limit is {max_pixels:,}"
        )
    if header.format not in ("uchar", "ushort") or header.bands > 5:
        raise Rejected("unsupported-layout", f"{kind} with {header.bands} samples of {header.format} per pixel")
    if header.interpretation == "multiband" or (kind == "jpeg" and header.bands == 2):
        raise Rejected(
            "unsupported-layout",
            f"{kind} with {header.bands} samples per pixel, neither grey nor colours",
        )


def load_shrunk(data: bytes, kind: str, header: Any, size: tuple[int, int]) -> Any:
    """Open the image, shrunk by the decoder by a power of two; a better filter then shrinks it by at least a fifth.

    `size` is the width and height in pixels that the image will have. Pixels are decoded when they are used.
    """
    factor = _shrink_factor((header.width, header.height), max(size))
    return _open(data, kind, factor)


def load_without_end_marker(data: bytes, header: Any, size: tuple[int, int]) -> Any | None:
    """A JPEG that lacks only its last marker, in memory; None if pixels are missing too.

    The decoder fills missing bits with zeros. So pixels are missing when it warns, when a scan is missing, or when
    other bits after the last ones make another picture.
    """
    from image_formats import jpeg

    if not jpeg.has_every_scan(data):
        return None
    factor = _shrink_factor((header.width, header.height), max(size))
    coded = data.rstrip(jpeg.END[:1])
    try:
        image = _open(coded + jpeg.END, "jpeg", factor, fail_on="warning").copy_memory()
        other = _open(coded + b"\xaa" * 64 + jpeg.END, "jpeg", factor)
        return image if (image - other).abs().max() == 0 else None
    except pyvips.Error:
        return None


def as_rejection(error: pyvips.Error, data: bytes, kind: str) -> Exception:
    """The Rejected to raise; if the machine lacks memory or files, the error itself, which is retried."""
    detail = _detail(error)
    if any(sign in str(error) for sign in _OUT_OF_RESOURCES):
        return error
    if unsupported := _find_unsupported(data, kind):
        return unsupported
    if any(sign in detail for sign in _NOT_DONE):
        return Rejected("unsupported-codec", f"the library does not decode this {kind}: {detail}")
    return Rejected("damaged", f"the {kind} is truncated or damaged: {detail}")


def _find_unsupported(data: bytes, kind: str) -> Rejected | None:
    from image_formats import heif, jpeg, png, tiff

    if kind == "jpeg":
        return jpeg.find_unsupported(data)
    if kind == "png":
        return png.find_fault(data)
    if kind == "heif" and heif.holds_hevc(data):
        from hevc_decoder import decodes_hevc

        return None if decodes_hevc() else Rejected("unsupported-codec", _HEIC)
    if kind in ("avif", "heif"):
        return heif.find_unsupported(data)
    if kind == "tiff" and (picture := tiff.find_picture(tiff.read_directories(data))):
        return tiff.find_unsupported(picture.directory)
    return None


def _detail(error: pyvips.Error) -> str:
    """libvips' message: each line once, without the names of its functions and the paths that it tried."""
    lines = (line.strip() for line in str(error.detail).splitlines())
    said = [line.partition(": ")[2] or line for line in lines if line and not line.startswith("source: bad seek")]
    return "; ".join(dict.fromkeys(said)) or "the decoder gives no details"


def _open(data: bytes, kind: str, factor: int = 1, fail_on: str = "error") -> Any:
    """The image from the loader of its kind, shrunk by `factor` if the format allows it."""
    if kind == "tiff":
        from tiff_loading import open_tiff

        return open_tiff(data, fail_on)
    if kind in ("avif", "heif"):
        from heif_loading import open_heif

        return open_heif(data, fail_on)
    if kind == "webp":
        from image_formats import webp

        data = webp.with_true_length(data)
    options = {"jpeg": {"shrink": factor}, "webp": {"scale": 1 / factor}}.get(kind, {})
    load = getattr(pyvips.Image, f"{kind}load_buffer")
    image = load(data, access="sequential", fail_on=fail_on, **options)
    return _clear_around_frame(image, data) if kind == "gif" else image


def _shrink_factor(size: tuple[int, int], longest_side: int) -> int:
    """1, 2, 4 or 8; no side becomes shorter than one pixel, as decoders refuse that."""
    spare = max(size) / (1.2 * longest_side)
    return int(2 ** min(3, max(0, math.floor(math.log2(spare))), math.floor(math.log2(min(size)))))


def _clear_around_frame(image: Any, data: bytes) -> Any:
    """Make the canvas around the first frame transparent: libvips makes it black if nothing else is transparent."""
    from image_formats import gif

    frame = gif.first_frame(data)
    if frame is None or image.hasalpha():
        return image
    left, top, width, height = frame
    if left == top == 0 and width >= image.width and height >= image.height:
        return image
    if not width or not height:
        return image.bandjoin(0)
    opaque = pyvips.Image.black(width, height).invert()
    return image.bandjoin(opaque.embed(left, top, image.width, image.height))
