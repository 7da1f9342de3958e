"""Where a version comes from: the commit in its source URL, and the digest of its content behind it."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urldefrag, urlparse

_DIGEST = re.compile(r"sha256-([0-9a-f]{64})")
_TREE = {"github.com": "tree", "gitlab.com": "-/tree", "codeberg.org": "src/commit"}


def source_url(written: str, folder: Path, digest: str) -> str:
    """The written URL, at the commit where that can be known and nothing in the folder has changed since.

    The fragment names the content: one request tells whether a version is what lies here.
    """
    base = urldefrag(written).url.rstrip("/")
    commit = clean_commit(folder)
    form = _TREE.get(urlparse(base).netloc)
    if commit and form and len(urlparse(base).path.strip("/").split("/")) == 2:
        base = f"{base}/{form}/{commit}/{_inside(folder)}".rstrip("/")
    return f"{base}#sha256-{digest}"


def digest_in(url: str | None) -> str | None:
    """The digest that a source URL carries."""
    found = _DIGEST.fullmatch(urldefrag(url or "").fragment)
    return found[1] if found else None


def clean_commit(folder: Path) -> str | None:
    """The commit that holds the folder as it is; None outside of a repository and when something has changed."""
    if _git(folder, "status", "--porcelain", "--", ".") != "":
        return None
    return _git(folder, "rev-parse", "HEAD")


def _inside(folder: Path) -> str:
    return (_git(folder, "rev-parse", "--show-prefix") or "").rstrip("/")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
