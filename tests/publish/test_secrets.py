"""A file that looks like a secret stops publishing, and its finding says what to do."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from blueprints.cli import main
from blueprints.errors import BlueprintError
from blueprints.packaging.build import build
from blueprints.packaging.secret_files import by_content, by_name
from blueprints.pattern import discover
from blueprints.publish import secrets
from blueprints.template.reading import load

# Made here, so that no file of this project looks as if it held a secret itself.
KEY = ec.generate_private_key(ec.SECP256R1())
TODAY = datetime.now(UTC)
SHORT_KEY = ed25519.Ed25519PrivateKey.generate()
ACCESS_KEY = "AKIA" + "Q3ZT7XYLMNPRSVWB"
SECRET_KEY = "9f" * 20


def private(encoding=Encoding.PEM, form=PrivateFormat.PKCS8, encryption=None, key=KEY):
    return key.private_bytes(encoding, form, encryption or NoEncryption())


def certificate(encoding=Encoding.PEM):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    made = x509.CertificateBuilder(name, name, KEY.public_key(), 7, TODAY, TODAY + timedelta(days=1))
    return made.sign(KEY, hashes.SHA256()).public_bytes(encoding)


SECRETS = {
    "server.pem": private(),
    "short.pem": private(key=SHORT_KEY),
    "old.pem": private(form=PrivateFormat.TraditionalOpenSSL),
    "locked.pem": private(form=PrivateFormat.TraditionalOpenSSL, encryption=BestAvailableEncryption(b"x")),
    "certificate-and-key.crt": certificate() + private(),
    "deploy_key": private(form=PrivateFormat.OpenSSH),
    "key.der": private(Encoding.DER),
    "signing.key": b"not-a-format-that-we-know",
    "keys.py": b"KEY = '''" + private() + b"'''\n",
    "wide.txt": private().decode().encode("utf-16"),
    "account.json": json.dumps({"type": "service_account", "private_key": private().decode()}).encode(),
    "user.json": json.dumps({"type": "authorized_user", "refresh_token": "1//" + "a" * 40}).encode(),
    "settings.py": f"KEY = '{ACCESS_KEY}'\n".encode(),
    "config.ini": f"aws_secret_access_key = {SECRET_KEY}\n".encode(),
    "config.json": json.dumps({"awsSecretAccessKey": SECRET_KEY}).encode(),
    "docker/config.json": json.dumps({"auths": {"registry": {"auth": "dXNlcjpwYXNzd29yZA=="}}}).encode(),
    ".npmrc": b"//registry.example.com/:_authToken=" + b"d1" * 18 + b"\n",
    ".netrc": b"machine example.com login me password open-sesame\n",
    ".pypirc": b"[pypi]\nusername = me\npassword = open-sesame\n",
    "github.txt": b"gh" + b"p_" + b"a1B2" * 9,
    "slack.yaml": b"token: xox" + b"b-" + b"1234567890-abcdefghij",
    "stripe.py": b"KEY = 'sk_" + b"live_" + b"a1B2" * 6 + b"'",
    "database.json": b'{"url": "postgresql://app:tr0ub4dor@db.corp.internal/app"}',
    "id_rsa": b"anything", "ID_ED25519": b"anything", "store.p12": b"\x30", "store.PFX": b"\x30", "store.jks": b"\xfe",
    "putty.ppk": b"x", "credentials": b"x", "credentials.json": b"{}", "client_secret_12.json": b"{}",
    "secrets.yaml": b"x: y", "app_accessKeys.csv": b"x", "prod.env": b"A=b", "terraform.tfstate": b"{}",
    ".git-credentials": b"x", ".pgpass": b"x",
}  # fmt: skip

HARMLESS = {
    "ca.pem": certificate(),
    "ca.der": certificate(Encoding.DER),
    "public.pem": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "public.key": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "id_rsa.pub": b"ssh-ed25519 AAAA me@example.com\n",
    ".env.example": b"DATABASE_PASSWORD=\n",
    "parser.py": b"BEGIN = '-----BEGIN PRIVATE KEY-----'\nEND = '-----END PRIVATE KEY-----'\n",
    "docs.md": b"Use AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY.\n",
    "docs.ini": b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
    "local.py": b"URL = 'postgresql://user:password@localhost/test'\nOTHER = f'postgresql://{user}:{word}@{host}/x'\n",
    ".npmrc": b"//registry.example.com/:_authToken=${NPM_TOKEN}\n",
    "credentials.py": b"def credentials(): ...\n", "secrets.py": b"import secrets\n", "environment.json": b"{}",
    "config.json": b'{"size": 3}', "hash.txt": b"9f" * 32,
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


def put(folder, name, content):
    place = folder.path / "src" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def findings(folder):
    pattern = folder.pattern
    return list(secrets.in_packages(pattern, build(pattern, "lambda")))


@pytest.mark.parametrize("name", SECRETS)
def test_a_file_that_looks_like_a_secret_is_found(name):
    assert by_name(name) or by_content(name, SECRETS[name])


@pytest.mark.parametrize("name", HARMLESS)
def test_a_public_file_does_not_look_like_a_secret(name):
    assert by_name(name) is None
    assert by_content(name, HARMLESS[name]) is None


def test_publishing_stops_at_every_secret_and_names_the_file(folder):
    for name, content in {**SECRETS, **HARMLESS}.items():
        put(folder, name, content)
    for name in ("docker/config.json", ".npmrc", ".env"):
        put(folder, name, SECRETS.get(name, b"A=b"))
    put(folder, "config.json", HARMLESS["config.json"])

    found = findings(folder)

    named = {each.message.split(" looks like ")[0] for each in found}
    assert named == {f"src/{name}" for name in (*SECRETS, ".env")} - {"src/config.json"}
    assert {each.verdict for each in found} == {"refused"}
    again = findings(folder)  # out of the cache
    assert again == found


def test_the_command_stops_until_the_file_is_ignored_or_allowed(folder, tmp_path, monkeypatch):
    def publish():
        return CliRunner().invoke(main, ["publish", str(folder.path), "--local", "--plan"])

    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    put(folder, "settings.py", f"\nKEY = '{ACCESS_KEY}'\n".encode())
    put(folder, "test.pem", private())

    refused = publish()
    assert refused.exit_code == 1
    assert "src/settings.py:2: src/settings.py looks like an AWS access key" in refused.output
    assert "src/test.pem:1: src/test.pem looks like a private key" in refused.output
    assert ACCESS_KEY not in refused.output

    folder.write(".gitignore", "settings.py\n")
    folder.write("blueprints.toml", '[publish]\npublic-files = ["src/*.pem"]\n')
    assert publish().exit_code == 2  # there is something to publish


def test_an_environment_file_stops_publishing_until_git_ignores_it_although_no_package_has_it(folder):
    put(folder, ".env", b"PASSWORD=x\n")

    put(folder, ".aws/credentials", b"anything")

    home, found = findings(folder)
    assert "src/.aws looks like" in home.message
    assert "src/.env looks like local settings that may hold secrets" in found.message
    folder.write(".gitignore", ".env\n.aws/\n")
    assert findings(folder) == []


def test_a_link_is_checked_by_its_target_too(folder, tmp_path):
    (tmp_path / "home/.ssh").mkdir(parents=True)
    (tmp_path / "home/.ssh/id_rsa").write_text("anything")
    (tmp_path / "home/settings").write_text(f"key={ACCESS_KEY}")
    (folder.path / "src/harmless.txt").symlink_to(tmp_path / "home/.ssh/id_rsa")
    (folder.path / "src/home").symlink_to(tmp_path / "home")

    named = {each.message.split(" looks like ")[0] for each in findings(folder)}

    assert named == {"src/harmless.txt", "src/home/settings", "src/home/.ssh"}


def test_secrets_in_template_readme_and_licence_are_found(folder):
    folder.change("Default: hello", f"Default: {ACCESS_KEY}")
    folder.write("README.md", f"# Greeting\n\n{ACCESS_KEY}\n")

    found = list(secrets.in_texts(folder.pattern, load(folder.path / "template.yaml")))

    assert [each.message.split(" looks like ")[0] for each in found] == ["template.yaml", "README.md"]
    assert found[1].where.endswith("README.md:3")


@pytest.mark.parametrize(
    "text", ["[publish]\nfiles = []", "[publish]\npublic-files = 'x'", "publish = 1", "[other]", "[publish", "\xff"]
)
def test_invalid_settings_are_refused_with_the_form_to_write(folder, text):
    (folder.path / "blueprints.toml").write_bytes(text.encode("latin-1"))

    with pytest.raises(BlueprintError, match="blueprints") as refused:
        findings(folder)
    assert "public-files" in str(refused.value)


@pytest.mark.parametrize("pattern", discover(), ids=lambda each: each.name)
def test_no_pattern_of_this_project_has_a_file_that_looks_like_a_secret(pattern):
    for function in pattern.functions:
        for path in function.code.rglob("*.*"):
            if path.is_file() and path.suffix != ".pyc":
                assert by_name(path.name) is None, path
                assert by_content(path.name, path.read_bytes()) is None, path
    assert list(secrets.in_texts(pattern, load(pattern.template))) == []
