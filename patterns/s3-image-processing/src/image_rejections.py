"""The error for images that are rejected."""

LONGEST_SIDE = 100_000_000  # pixels; libvips opens nothing longer


class Rejected(Exception):
    """The input is at fault, so a retry would not help. `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def camera_raw(name: str) -> Rejected:
    """The rejection of a camera raw file; `name` is its format or the camera's make."""
    return Rejected("camera-raw", f"a camera raw file ({name}): raw files are not rendered; export it as JPEG or TIFF")


def too_large(name: str, width: int, height: int) -> Rejected:
    """The rejection of an image that is too large for the library to open; width and height in pixels."""
    return Rejected("too-many-pixels", f"the {name} is {width} x {height} pixels, more than the library reads")
