"""Where an application comes from: the commit in its source URL, and behind its URLs the digests of its content.

What the repository answers holds neither content nor readme, but these URLs: so one request tells what has changed.
"""

import hashlib
import re
import subprocess
from pathlib import Path
from urllib.parse import urldefrag, urlparse

_DIGEST = re.compile(r"sha256-([0-9a-f]{64})")
_README = re.compile(r"readme-([0-9a-f]{16})")
_TREE = {"github.com": "tree", "gitlab.com": "-/tree", "codeberg.org": "src/commit"}


def source_url(written: str, folder: Path, digest: str) -> str:
    """The written URL, at the commit where that can be known and nothing in the folder has changed since.

    The fragment names the content: one request tells whether a version is what lies here.
    """
    base = urldefrag(written).url.rstrip("/").removesuffix(".git")
    repository = urlparse(base).path.strip("/")
    form = _TREE.get(urlparse(base).netloc)
    commit = clean_commit(folder) if form and repository.count("/") == 1 else None
    if commit and _is_checkout_of(repository, folder):
        base = f"{base}/{form}/{commit}/{_inside(folder)}".rstrip("/")
    return f"{base}#sha256-{digest}"


def digest_in(url: str | None) -> str | None:
    """The digest that a source URL carries."""
    found = _DIGEST.fullmatch(urldefrag(url or "").fragment)
    return found[1] if found else None


def home_url(written: str, readme: str | None) -> str:
    """The written home page, its fragment naming the readme; one with a fragment of its own stays as it is.

    Both are changed by one call, so the fragment is true of what lies beside it.
    """
    if readme is None or urldefrag(written).fragment:
        return written
    return f"{urldefrag(written).url}#readme-{_readme_digest(readme)}"


def names_readme(url: str | None, readme: str) -> bool:
    """Whether a published home page's fragment says that the readme beside it is this one."""
    found = _README.fullmatch(urldefrag(url or "").fragment)
    return found is not None and found[1] == _readme_digest(readme)


def _readme_digest(readme: str) -> str:
    return hashlib.sha256(readme.encode()).hexdigest()[:16]


def clean_commit(folder: Path) -> str | None:
    """The commit that holds the folder as it is; None outside of a repository and when something has changed."""
    if _git(folder, "status", "--porcelain", "--", ".") != "":
        return None
    return _git(folder, "rev-parse", "HEAD")


def _is_checkout_of(repository: str, folder: Path) -> bool:
    """Whether the commit is that repository's: a copy in another one keeps the URL, and its commits are elsewhere."""
    remotes = (_git(folder, "remote", "-v") or "").split()
    urls = [each.removesuffix(".git") for each in remotes if ":" in each]
    return not urls or any(re.search(rf"[/:]{re.escape(repository)}$", each) for each in urls)


def _inside(folder: Path) -> str:
    return (_git(folder, "rev-parse", "--show-prefix") or "").rstrip("/")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
