"""Opens an image with libvips: first its header, then its pixels, which the decoder shrinks.

The loader is chosen by the kind that `recognition` finds. libvips would choose among several loaders for some kinds,
and adds loaders in every version. Modules that only some kinds need are imported when first used.
"""

import math
from typing import Any

import pyvips

from blueprints_shared.images.errors import InvalidImage

_OUT_OF_RESOURCES = ("out of memory", "No space left", "Too many open files")
_NOT_SUPPORTED = (
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
    "take the picture as JPEG, or deploy a libvips that has one (docs/images.md in the repository says how)"
)


def read_header(data: bytes, kind: str) -> Any:
    """Open the image without decoding its pixels; raise InvalidImage if it is damaged or not of `kind`."""
    try:
        return _open(data, kind)
    except pyvips.Error as error:
        raise as_invalid_image(error, data, kind) from error


def check_header(header: Any, kind: str, max_pixels: int) -> None:
    """Raise InvalidImage if an image has more than `max_pixels`, or samples that are not colours or grey."""
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise InvalidImage(
            "too-many-pixels", f"{header.width} x {header.height} is {pixels:,} pixels; the limit is {max_pixels:,}"
        )
    if header.format not in ("uchar", "ushort") or header.bands > 5:
        raise InvalidImage("unsupported-layout", f"{kind} with {header.bands} samples of {header.format} per pixel")
    if header.interpretation == "multiband" or (kind == "jpeg" and header.bands == 2):
        raise InvalidImage(
            "unsupported-layout",
            f"{kind} with {header.bands} samples per pixel, neither grey nor colours",
        )


def load_shrunk(data: bytes, kind: str, header: Any, size: tuple[int, int]) -> Any:
    """Open the image, which the decoder shrinks by 1, 2, 4 or 8. Pixels are decoded when they are used.

    `size` is the width and height in pixels that the caller wants. The image is left at least a fifth larger, so that
    the caller's better filter does the last step.
    """
    factor = _shrink_factor((header.width, header.height), max(size))
    return _open(data, kind, factor)


def load_without_end_marker(data: bytes, header: Any, size: tuple[int, int]) -> Any | None:
    """Decode a JPEG that lacks only its end marker; None if pixels are missing too.

    The decoder replaces missing bits by zeros. So pixels are missing if it warns, if a scan is missing, or if the
    picture changes when other bits are appended.
    """
    from blueprints_shared.images.formats import jpeg

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


def as_invalid_image(error: Exception, data: bytes, kind: str) -> Exception:
    """The InvalidImage for an error; the error itself if the machine lacks memory or files, since a retry may help."""
    if any(sign in str(error) for sign in _OUT_OF_RESOURCES):
        return error
    detail = _detail(error)
    if unsupported := _find_unsupported(data, kind):
        return unsupported
    if any(sign in detail for sign in _NOT_SUPPORTED):
        return InvalidImage("unsupported-codec", f"the library does not decode this {kind}: {detail}")
    return InvalidImage("damaged", f"the {kind} is truncated or damaged: {detail}")


def _find_unsupported(data: bytes, kind: str) -> InvalidImage | None:
    from blueprints_shared.images.formats import heif, jpeg, png, tiff

    if kind == "jpeg":
        return jpeg.find_unsupported(data)
    if kind == "png":
        return png.find_fault(data)
    if kind == "heif" and heif.holds_hevc(data):
        from blueprints_shared.images.hevc_decoder import decodes_hevc

        return None if decodes_hevc() else InvalidImage("unsupported-codec", _HEIC)
    if kind in ("avif", "heif"):
        return heif.find_unsupported(data)
    if kind == "tiff" and (picture := tiff.find_picture(tiff.read_directories(data))):
        return tiff.find_unsupported(picture.directory)
    return None


def _detail(error: pyvips.Error) -> str:
    """libvips' message, each line once, without the names of functions."""
    lines = (line.strip() for line in str(error.detail).splitlines())
    parts = [line.partition(": ")[2] or line for line in lines if line and not line.startswith("source: bad seek")]
    return "; ".join(dict.fromkeys(parts)) or "the decoder gives no details"


def _open(data: bytes, kind: str, factor: int = 1, fail_on: str = "error") -> Any:
    """Open the image with the loader of its kind, shrunk by `factor` if the format allows that."""
    if kind == "tiff":
        from blueprints_shared.images.tiff_loading import open_tiff

        return open_tiff(data, fail_on)
    if kind in ("avif", "heif"):
        from blueprints_shared.images.heif_loading import open_heif

        return open_heif(data, fail_on)
    if kind == "webp":
        from blueprints_shared.images.formats import webp

        data = webp.with_true_length(data)
    shrinking: dict[str, dict[str, float]] = {"jpeg": {"shrink": factor}, "webp": {"scale": 1 / factor}}
    load = getattr(pyvips.Image, f"{kind}load_buffer")
    image = load(data, access="sequential", fail_on=fail_on, **shrinking.get(kind, {}))
    return _clear_around_frame(image, data) if kind == "gif" else image


def _shrink_factor(size: tuple[int, int], longest_side: int) -> int:
    """1, 2, 4 or 8; no side becomes shorter than one pixel, which decoders do not support."""
    spare = max(size) / (1.2 * longest_side)
    return int(2 ** min(3, max(0, math.floor(math.log2(spare))), math.floor(math.log2(min(size)))))


def _clear_around_frame(image: Any, data: bytes) -> Any:
    """Make the canvas around a GIF's first frame transparent; libvips makes it black if the frame is opaque."""
    from blueprints_shared.images.formats import gif

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
