"""The error for images that cannot be used."""

LONGEST_SIDE = 100_000_000  # pixels; libvips opens nothing longer


class InvalidImage(Exception):
    """The image is at fault, so a retry does not help. `code` is for programs, the message for people.

    Codes: `empty`, `not-an-image`, `camera-raw`, `damaged`, `unsupported-codec`, `unsupported-layout`,
    `too-many-pixels`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def camera_raw(name: str) -> InvalidImage:
    """The error for a camera raw file; `name` is its format or the camera's make."""
    return InvalidImage(
        "camera-raw", f"a camera raw file ({name}): raw files are not rendered; export it as JPEG or TIFF"
    )


def too_large(name: str, width: int, height: int) -> InvalidImage:
    """The error for an image that is too large for libvips to open; width and height in pixels."""
    return InvalidImage("too-many-pixels", f"the {name} is {width} x {height} pixels, more than the library reads")
