"""What every refusal of an image carries."""


class Rejected(Exception):
    """The input is at fault, so a retry would change nothing. `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def camera_raw(name: str) -> Rejected:
    """The answer to every camera raw file; `name` is its format or the camera's make."""
    return Rejected(
        "camera-raw", f"a camera raw file ({name}): its pixels are not developed; export it as JPEG or TIFF"
    )
