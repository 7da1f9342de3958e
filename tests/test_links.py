"""The links of the Markdown files: to pages of the projects themselves, to files and headings that exist."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
HOME = "https://github.com/serverless-blueprints/serverless-blueprints/blob/main/"
PAGES = sorted(
    page
    for place in ("*.md", "docs/*.md", "patterns/**/*.md", "sar/**/*.md", "shared/*.md", "benchmarks/**/*.md")
    for page in ROOT.glob(place)
    if not {".venv", ".blueprints", ".pytest_cache", ".aws-sam"} & set(page.parts)
)
REGISTRIES = ("pypi.org", "pythonhosted.org", "npmjs.com", "npmjs.org", "crates.io", "anaconda.org", "hub.docker.com")
_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^()\s]+(?:\([^()\s]*\)[^()\s]*)?)(?: \"[^\"]*\")?\)")


def prose(page):
    """The text of a page without its blocks of code."""
    return _CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))


def links(page):
    return [found["target"] for found in _LINK.finditer(prose(page))]


@cache
def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*?) *$", prose(page), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_to_a_package_registry(page):
    """Who follows a link wants a project's documentation or source: link its own page."""
    hosts = {urlsplit(url).hostname or "" for url in re.findall(r"https?://[^\s)>\]\"'`]+", page.read_text())}
    assert not [host for host in hosts for registry in REGISTRIES if f".{host}".endswith(f".{registry}")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_to_a_file_of_this_project_leads_to_one_that_exists(page):
    """Also to a heading of it, and to a file of the project by the URL of its home."""
    for target in links(page):
        path, _, anchor = target.removeprefix(HOME).partition("#")
        if urlsplit(path).scheme:
            continue
        base = ROOT if target.startswith(HOME) else page.parent
        file = (base / unquote(path)).resolve() if path else page
        assert file.exists(), f"{page.relative_to(ROOT)} links {target}, and there is no {file}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), (
                f"{page.relative_to(ROOT)} links {target}, and {file.name} has no such heading"
            )


def test_links_are_found():
    found = {target for page in PAGES for target in links(page)}
    assert {"docs/promises.md", "shared/README.md", "https://github.com/ministackorg/ministack"} <= found
