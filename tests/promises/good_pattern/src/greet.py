"""Greets."""


def handler(event, context):
    """Greet."""
    return "hello"
