"""The exception for patterns that AWS refuses."""


class InvalidPattern(Exception):
    """A pattern is refused; the message is the reason in the words of AWS."""
