"""Greets somebody."""


def run(stack):
    """Put a name, read the greeting."""
    return {"stream": stack.outputs["Stream"]}
