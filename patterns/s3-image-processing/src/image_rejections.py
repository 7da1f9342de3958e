"""Why an image is refused."""

_OUT_OF_RESOURCES = ("out of memory", "No space left", "Too many open files")


class Rejected(Exception):
    """The input is at fault, so a retry would change nothing. `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def as_rejection(error: Exception, kind: str) -> Exception:
    """The input's fault, unless the machine ran out of something: then the error itself, to be raised and retried."""
    text = " ".join(str(error).split())
    if any(sign in text for sign in _OUT_OF_RESOURCES):
        return error
    if kind == "heif":
        return Rejected("unsupported-codec", f"HEIF is read where it holds AV1 pictures, not HEVC ones (HEIC): {text}")
    return Rejected("damaged", f"the {kind} is truncated or damaged: {text}")
