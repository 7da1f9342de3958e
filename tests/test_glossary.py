"""The project has few words of its own, and each is explained in CONTRIBUTING.md."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 15
ROWS = re.compile(r"^\| word \| means \|\n\|[-| ]+\|\n(?P<rows>(?:\|.*\|\n)+)", re.MULTILINE)


def glossary() -> dict[str, str]:
    """The words, and what they mean."""
    table = ROWS.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert table, "CONTRIBUTING.md has no table '| word | means |'"
    rows = (row.strip("| ").split(" | ") for row in table["rows"].splitlines())
    return {word.strip(): meaning.strip() for word, meaning in rows}


def test_a_newcomer_has_few_words_to_learn():
    """More words are a sign that a term of AWS, Python or Git would do."""
    assert 0 < len(glossary()) <= MOST
    assert all(glossary().values())


def test_every_word_of_the_glossary_is_used():
    """A word occurs in the code or in the documents, beside CONTRIBUTING.md itself."""
    code = [path for folder in ("blueprints", "shared", "patterns", "sar") for path in (ROOT / folder).rglob("*.py")]
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*documents, *code))

    for word in glossary():
        written = re.escape(word).replace(r"\ ", "[ _]").replace(r"\-", "[-_]")
        assert re.search(rf"(?<![A-Za-z]){written}", text, re.IGNORECASE), f"nothing uses the word '{word}': remove it"
