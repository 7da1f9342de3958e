"""What is published is what was tested."""

import json
import unittest
from pathlib import Path

PATTERN = Path(__file__).parent.parent


class GuestBook(unittest.TestCase):
    """The pattern's files."""

    def test_the_sample_is_json(self) -> None:
        """A sample event can be read."""
        assert json.loads((PATTERN / "events" / "signed.json").read_text()) == {"somebody": "was here"}

    def test_the_book_is_an_output(self) -> None:
        """The demo finds it there."""
        outputs = (PATTERN / "template.yaml").read_text().partition("\nOutputs:\n")[2]
        assert outputs.startswith("  GuestBook:\n")


if __name__ == "__main__":
    unittest.main()
