"""Source and home page URLs of an application, which name its commit and, in their fragments, digests of its content.

The repository returns these URLs, but neither content nor readme. So one request shows what has changed.
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
    """The written URL, at the checkout's commit if the folder has no changes. Its fragment has the digest."""
    base = urldefrag(written).url.rstrip("/").removesuffix(".git")
    repository = urlparse(base).path.strip("/")
    form = _TREE.get(urlparse(base).netloc)
    commit = clean_commit(folder) if form and repository.count("/") == 1 else None
    if commit and _is_checkout_of(repository, folder):
        base = f"{base}/{form}/{commit}/{_inside(folder)}".rstrip("/")
    return f"{base}#sha256-{digest}"


def digest_in(url: str | None) -> str | None:
    """The digest in a source URL; None if it has none."""
    found = _DIGEST.fullmatch(urldefrag(url or "").fragment)
    return found[1] if found else None


def home_url(written: str, readme: str | None) -> str:
    """The home page with the readme's digest as fragment, unless it has a fragment.

    One call changes home page and readme, so the fragment always matches the published readme.
    """
    if readme is None or urldefrag(written).fragment:
        return written
    return f"{urldefrag(written).url}#readme-{_readme_digest(readme)}"


def names_readme(url: str | None, readme: str) -> bool:
    """Whether a published home page's fragment has the digest of this readme."""
    found = _README.fullmatch(urldefrag(url or "").fragment)
    return found is not None and found[1] == _readme_digest(readme)


def _readme_digest(readme: str) -> str:
    return hashlib.sha256(readme.encode()).hexdigest()[:16]


def clean_commit(folder: Path) -> str | None:
    """The commit of an unchanged folder; None outside a repository, or if the folder has changes."""
    if _git(folder, "status", "--porcelain", "--", ".") != "":
        return None
    return _git(folder, "rev-parse", "HEAD")


def _is_checkout_of(repository: str, folder: Path) -> bool:
    """Whether the checkout is of that repository. A copy in another repository keeps the URL but not the commits."""
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
