"""An image from its bytes to upright pixels in sRGB."""

from typing import Any, NamedTuple

import pyvips

from blueprints_shared.images.colours import read_colours, shrink_to_srgb
from blueprints_shared.images.loading import (
    as_invalid_image,
    check_header,
    load_shrunk,
    load_without_end_marker,
    read_header,
)
from blueprints_shared.images.recognition import recognise

_LARGE = 16_000_000  # pixels


class ImageFile(NamedTuple):
    """An image whose header is read and whose pixels are not decoded yet.

    `kind` is jpeg, png, webp, gif, tiff, avif or heif. Width and height are in pixels, after the rotation that EXIF
    asks for. Of an animation or a document, this is the first frame or page.
    """

    kind: str
    width: int
    height: int
    data: bytes
    header: Any

    def load(self, size: tuple[int, int]) -> Any:
        """Decode the image, shrunk to `size` (width and height in pixels, not larger than the image's own).

        Returns a pyvips.Image in memory: upright, 8 bits per sample, sRGB or grey, with alpha if the image has it. The
        decoder itself shrinks where the format allows that, so the whole image is never in memory. Raises InvalidImage
        if pixels are missing or damaged, or if the codec is not supported.
        """
        if self.header.width * self.header.height > _LARGE:
            _return_freed_memory()
        colours = read_colours(self.data, self.kind, self.header)
        try:
            image = load_shrunk(self.data, self.kind, self.header, size)
            # The decoder returns each row once, in order; in memory, they can be read again.
            return shrink_to_srgb(image, size, colours).copy_memory()
        except pyvips.Error as error:
            complete = load_without_end_marker(self.data, self.header, size) if self.kind == "jpeg" else None
            if complete is None:
                raise as_invalid_image(error, self.data, self.kind) from error
            return shrink_to_srgb(complete, size, colours).copy_memory()


def open_image(data: bytes, max_pixels: int) -> ImageFile:
    """Recognise a file by its bytes and read its header; `max_pixels` is the most that width times height may be.

    Raises InvalidImage if the header alone shows that the image is not supported, damaged or too large.
    """
    kind = recognise(data)
    header = read_header(data, kind)
    check_header(header, kind, max_pixels)
    rotated = header.get_typeof("orientation") and header.get("orientation") >= 5  # EXIF: 5 to 8 lie on their side
    width, height = (header.height, header.width) if rotated else (header.width, header.height)
    return ImageFile(kind, width, height, data, header)


def _return_freed_memory() -> None:
    """Give freed memory back to the system: glibc keeps some, and a large image would need its own on top of it."""
    import ctypes  # large images are few

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim:
        trim(0)
