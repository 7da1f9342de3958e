"""Recognises files that seem to hold a secret, by their names and their content."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

_SSH_KEY = "an SSH private key"
_KEY_STORE = "a key store"
_CREDENTIALS = "credentials"

_NAMES = {
    **dict.fromkeys(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"), _SSH_KEY),
    **dict.fromkeys((".pgpass", ".git-credentials", ".htpasswd", ".dockercfg", ".s3cfg", ".boto"), _CREDENTIALS),
    **dict.fromkeys(("credentials", "rootkey.csv", "kubeconfig"), _CREDENTIALS),
    "terraform.tfstate": "Terraform's state, which may hold passwords",
}
_NAME_FORMS = (
    (re.compile(r".*\.(p12|pfx|pkcs12|jks|jceks|keystore|bks|kdbx|keytab)"), _KEY_STORE),
    (re.compile(r".*\.ppk"), _SSH_KEY),
    (
        re.compile(r"(.*[-_.])?(credentials|secrets?|client_secret.*|accesskeys)\.(json|csv|ini|ya?ml|toml|txt)"),
        _CREDENTIALS,
    ),
    (re.compile(r".+\.env|\.env(\..*)?|\.envrc"), "local settings that may hold secrets"),
)  # fmt: skip
_SETTINGS_EXAMPLE = re.compile(r".*\.(example|sample|template|dist|defaults)")


@dataclass(frozen=True)
class _Form:
    """A form of secret in text. Its pattern is used only if the text has one of `marks`, as searching marks is fast."""

    what: str
    marks: tuple[bytes, ...]
    expression: bytes

    def found_in(self, content: bytes) -> re.Match[bytes] | None:
        """The first such secret."""
        return re.search(self.expression, content) if any(mark in content for mark in self.marks) else None


def _form(what: str, marks: str, pattern: str) -> _Form:
    return _Form(what, tuple(mark.encode() for mark in marks.split("|")), pattern.encode())


_FORMS = (
    _form(
        "a private key",
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.{1,300}?)[A-Za-z0-9+/]{48}",
    ),
    _form("a private key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50}"),
    _form("an AWS access key", "AKIA|ASIA", r"(?<![A-Z0-9])A(?:KIA|SIA)[A-Z2-7]{16}(?<!EXAMPLE)(?![A-Z0-9])"),
    _form(
        "an AWS secret access key",
        "secret|Secret|SECRET",
        r"(?i:secret_?(?:access_?)?key)\W{1,8}[A-Za-z0-9/+]{40}(?<!EXAMPLEKEY)(?![A-Za-z0-9/+=])",
    ),
    _form("a GitHub token", "ghp_|gho_|ghu_|ghs_|ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36}"),
    _form("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{60}"),
    _form("a GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20}"),
    _form("a Slack token", "xox", r"\bxox[abeprs]-[A-Za-z0-9-]{20}"),
    _form("a Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20}"),
    _form("a Stripe key", "k_live_", r"\b[sr]k_live_[A-Za-z0-9]{20}"),
    _form("an API key", "sk-ant-|sk-proj-|sk-svcacct-", r"\bsk-(?:ant|proj|svcacct)-[A-Za-z0-9_-]{30}"),
    _form("an API key", "SG.", r"\bSG\.[\w-]{20,24}\.[\w-]{40}"),
    _form("a client secret", "GOCSPX-", r"GOCSPX-[\w-]{20}"),
    _form("a package registry token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _form("a package registry token", "pypi-AgE", r"pypi-AgE[\w-]{60}"),
    _form("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{80}"),
    _form("a refresh token", "refresh_token", r'"refresh_token"\s*:\s*"[^"\s]{20}'),
    _form(
        "a password in a URL",
        "://",
        r"://[^\s/:@'\"<>{}$]{1,64}:(?!(?i:pass|secret|pw|example|changeme|xxx|\*))"
        r"[^\s/:@'\"<>{}$]{3,128}@(?!localhost|127\.|host\b|example|[\w.-]*\.example)[\w.-]+",
    ),
)
# Patterns that apply only to files of these names.
_IN_FILES = (
    (
        re.compile(r"\.npmrc|\.yarnrc(\.yml)?"),
        re.compile(rb"(?:_authToken|_auth|_password|npmAuthToken)\s*[:=]\s*[\"']?\w"),
    ),
    (re.compile(r"[._]netrc"), re.compile(rb"\bpassword\s+\S")),
    (re.compile(r"\.pypirc|\.my\.cnf|pip\.conf|pip\.ini"), re.compile(rb"(?m)^\s*password\s*[:=]\s*[^\s$]")),
    (re.compile(r"config\.json|\.dockerconfigjson"), re.compile(rb'"(?:auth|identitytoken)"\s*:\s*"[^"]{8}')),
)
_PUBLIC = (b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN CERTIFICATE-----", b"-----BEGIN RSA PUBLIC KEY-----")
_KEY_SUFFIXES = (".key", ".der", ".pk8", ".p8")
# ASN.1: a sequence whose first member is the version number of a private key; a certificate's is a sequence.
_DER_KEY = re.compile(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]", re.DOTALL)
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Suspicion:
    """A reason to suspect that a file holds a secret."""

    what: str
    """Such as `a private key`."""
    line: int | None = None
    """The line of the secret; None if the suspicion is about the file's name."""


@dataclass(frozen=True)
class SecretFile:
    """A file that seems to hold a secret."""

    path: Path
    what: str
    line: int | None = None


def by_name(path: str) -> Suspicion | None:
    """The kind of secret that a file of this name usually holds, or None; `path` has slashes."""
    name = PurePath(path).name.lower()
    what = _NAMES.get(name) or next((kind for form, kind in _NAME_FORMS if form.fullmatch(name)), None)
    if what is None or _SETTINGS_EXAMPLE.fullmatch(name):
        return None
    return Suspicion(what)


def by_content(path: str, content: bytes) -> Suspicion | None:
    """The first secret in a file's content, or None."""
    return next(_suspicions(PurePath(path).name.lower(), _plain(content)), None)


def _suspicions(name: str, content: bytes) -> Iterator[Suspicion]:
    for each in _FORMS:
        found = each.found_in(content)
        if found:
            yield Suspicion(each.what, _line(content, found.start()))
    for form, secret in _IN_FILES:
        held = secret.search(content) if form.fullmatch(name) else None
        if held:
            yield Suspicion("a password or token", _line(content, held.start()))
    if name.endswith(_KEY_SUFFIXES) and _DER_KEY.match(content):
        yield Suspicion("a private key")
    if name.endswith(".key") and content and not any(each in content for each in _PUBLIC):
        yield Suspicion("a key")


def _plain(content: bytes) -> bytes:
    """The content as UTF-8 if it is UTF-16, which Windows' shells write; else unchanged."""
    encoding = _WIDE.get(content[:2])
    return content.decode(encoding, errors="replace").encode() if encoding else content


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
