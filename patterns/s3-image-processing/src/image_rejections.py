"""What every refusal of an image carries."""


class Rejected(Exception):
    """The input is at fault, so a retry would change nothing. `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
