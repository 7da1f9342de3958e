"""Files that look as if they hold a secret: told by their names and by what is in them."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

_SSH_KEY = "an SSH private key"
_KEY_STORE = "a store of private keys"
_CREDENTIALS = "credentials"

_NAMES = {
    **dict.fromkeys(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"), _SSH_KEY),
    **dict.fromkeys((".pgpass", ".git-credentials", ".htpasswd", ".dockercfg", ".s3cfg", ".boto"), _CREDENTIALS),
    **dict.fromkeys(("credentials", "rootkey.csv", "kubeconfig"), _CREDENTIALS),
    "terraform.tfstate": "the state of Terraform, passwords included",
}
_NAME_FORMS = (
    (re.compile(r".*\.(p12|pfx|pkcs12|jks|jceks|keystore|bks|kdbx|keytab)"), _KEY_STORE),
    (re.compile(r".*\.ppk"), _SSH_KEY),
    (
        re.compile(r"(.*[-_.])?(credentials|secrets?|client_secret.*|accesskeys)\.(json|csv|ini|ya?ml|toml|txt)"),
        _CREDENTIALS,
    ),
    (re.compile(r".+\.env|\.env(\..*)?|\.envrc"), "the settings of a machine"),
)  # fmt: skip
_SETTINGS_EXAMPLE = re.compile(r".*\.(example|sample|template|dist|defaults)")

_URL_FORM = (
    r"\b[a-z][a-z0-9+]{2,20}://[^\s/:@'\"<>{}$]{1,64}:(?!(?i:pass|secret|pw|example|changeme|xxx|\*))"
    r"[^\s/:@'\"<>{}$]{3,128}@(?!localhost|127\.|host\b|example|[\w.-]*\.example)[\w.-]+"
)
_IN_CONTENT: tuple[tuple[str, str], ...] = (
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.{1,300}?)[A-Za-z0-9+/]{48}"),
    ("a private key", r"AGE-SECRET-KEY-1[A-Z0-9]{50}"),
    ("an AWS access key", r"(?<![A-Z0-9])A(?:KIA|SIA)[A-Z2-7]{16}(?<!EXAMPLE)(?![A-Z0-9])"),
    (
        "an AWS secret access key",
        r"(?i:aws_?secret_?(?:access_?)?key)\W{1,8}[A-Za-z0-9/+]{40}(?<!EXAMPLEKEY)(?![A-Za-z0-9/+=])",
    ),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60}"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20}"),
    ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{20}|hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20}"),
    ("a Stripe key", r"\b[sr]k_live_[A-Za-z0-9]{20}"),
    ("an API key", r"\bsk-(?:ant|proj|svcacct)-[A-Za-z0-9_-]{30}|\bSG\.[\w-]{20,24}\.[\w-]{40}|\bGOCSPX-[\w-]{20}"),
    ("a token of a package index", r"\bnpm_[A-Za-z0-9]{36}|\bpypi-AgE[\w-]{60}"),
    ("a storage key of Azure", r"AccountKey=[A-Za-z0-9+/]{80}"),
    ("a token that logs in again and again", r'"refresh_token"\s*:\s*"[^"\s]{20}'),
    ("a password in a URL", _URL_FORM),
)
_CONTENT = re.compile("|".join(f"(?P<_{at}>{form})" for at, (_, form) in enumerate(_IN_CONTENT)).encode())
# What only counts in files of these names.
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
    """Why a file looks as if it held a secret."""

    what: str
    """Such as `a private key`."""
    line: int | None = None
    """Where in the file; None where its name alone says it."""


@dataclass(frozen=True)
class SecretFile:
    """A file that looks as if it held a secret."""

    path: Path
    what: str
    line: int | None = None


def by_name(path: str) -> Suspicion | None:
    """What a file's name gives away; `path` has slashes."""
    name = PurePath(path).name.lower()
    what = _NAMES.get(name) or next((kind for form, kind in _NAME_FORMS if form.fullmatch(name)), None)
    if what is None or _SETTINGS_EXAMPLE.fullmatch(name):
        return None
    return Suspicion(what)


def by_content(path: str, content: bytes) -> Suspicion | None:
    """What a file's content gives away."""
    return next(_suspicions(PurePath(path).name.lower(), _plain(content)), None)


def _suspicions(name: str, content: bytes) -> Iterator[Suspicion]:
    found = _CONTENT.search(content)
    if found and found.lastgroup:
        yield Suspicion(_IN_CONTENT[int(found.lastgroup[1:])][0], _line(content, found.start()))
    for form, secret in _IN_FILES:
        held = secret.search(content) if form.fullmatch(name) else None
        if held:
            yield Suspicion("a password or token", _line(content, held.start()))
    if name.endswith(_KEY_SUFFIXES) and _DER_KEY.match(content):
        yield Suspicion("a private key")
    if name.endswith(".key") and content and not any(each in content for each in _PUBLIC):
        yield Suspicion("a key")


def _plain(content: bytes) -> bytes:
    """Text as UTF-8, where it is the UTF-16 that Windows' shells write."""
    encoding = _WIDE.get(content[:2])
    return content.decode(encoding, errors="replace").encode() if encoding else content


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
