"""Reads images of common formats, and encodes their pixels again. Needs pyvips.

    file = open_image(data, max_pixels=64_000_000)  # reads the header; raises InvalidImage
    file.kind, file.width, file.height              # "jpeg", 4000, 3000
    pixels = file.load((1600, 1200))                # upright, in sRGB, in memory: a pyvips.Image
    webp = encode(pixels, Encoding("webp", quality=80))

Importing this package changes two settings of libvips for the whole process: it disables the loaders that libvips
calls unsafe for untrusted files (SVG, PDF, ImageMagick and others), and the cache of operations, which would hold the
memory of images that are not used again.
"""

from blueprints_shared.requirement import requirement

with requirement("pyvips[binary]"):
    import pyvips

from blueprints_shared.images.encoding import EXTENSIONS, Encoding, encode
from blueprints_shared.images.errors import InvalidImage
from blueprints_shared.images.image_file import ImageFile, open_image

__all__ = ["EXTENSIONS", "Encoding", "ImageFile", "InvalidImage", "encode", "open_image"]

pyvips.block_untrusted_set(True)
pyvips.cache_set_max(0)
