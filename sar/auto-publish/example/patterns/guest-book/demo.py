"""The demo of this pattern: a guest signs the book, and the entry is read."""

from typing import Any


def run(stack: Any) -> dict[str, Any]:
    """Sign the book and read the entry."""
    s3, book = stack.client("s3"), stack.outputs["GuestBook"]
    with stack.step("Sign the guest book"):
        s3.put_object(Bucket=book, Key="somebody", Body=b"was here")
    with stack.step("Read it"):
        words = s3.get_object(Bucket=book, Key="somebody")["Body"].read().decode()
    if words != "was here":
        raise RuntimeError(f"somebody {words!r}, says the book")
    file = stack.folder / "somebody.txt"
    file.write_text(words)
    return {"somebody": words, "file": str(file)}
