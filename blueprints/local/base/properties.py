"""Reads the properties of resources and requests."""


def is_true(value: object) -> bool:
    """Whether a boolean is true; templates may write it as text."""
    return str(value).lower() == "true"
