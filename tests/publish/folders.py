"""A pattern that tests can change and publish, and packages of it that are made at once."""

import hashlib
import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

from blueprints.packaging.build import Package
from blueprints.pattern import Pattern

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: Lambda

Metadata:
  AWS::ServerlessRepo::Application:
    Name: greeting
    Description: Greets whoever asks
    Author: somebody
    SpdxLicenseId: MIT-0
    LicenseUrl: LICENSE
    ReadmeUrl: README.md
    Labels: [greeting, lambda]
    HomePageUrl: https://example.com/home
    SourceCodeUrl: https://github.com/somebody/greetings
    SemanticVersion: 0.1.0

Parameters:
  Word:
    Type: String
    Default: hello

Resources:
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: greet.handler
      Runtime: python3.12
      Architectures: [arm64]
      MemorySize: 128

Outputs:
  Greet:
    Value: !Ref Greet
"""


class Folder:
    """The pattern's folder."""

    def __init__(self, path: Path):
        self.path = path
        (path / "src").mkdir(parents=True)
        self.write("template.yaml", TEMPLATE)
        self.write("src/greet.py", "def handler(event, context):\n    return 'hello'\n")
        self.write("LICENSE", "As it is.\n")
        self.write("README.md", "# Greeting\n")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def change(self, old: str, new: str) -> None:
        """Change the template."""
        text = (self.path / "template.yaml").read_text()
        assert old in text
        self.write("template.yaml", text.replace(old, new))

    def line(self, text: str) -> int:
        """The template's first line with a text in it."""
        lines = (self.path / "template.yaml").read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    @property
    def pattern(self) -> Pattern:
        return Pattern.load(self.path)


def packages(pattern: Pattern, report=None) -> list[Package]:
    """Packages of the sources alone, in the form of built packages."""
    made = []
    for function in pattern.functions:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(function.code.rglob("*.py")):
                file.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
        made.append(package(pattern, function.logical_id, archive.getvalue()))
    return made


def package(pattern: Pattern, logical_id: str, content: bytes, **changes) -> Package:
    sha256 = hashlib.sha256(content).hexdigest()
    path = pattern.folder.parent / f"{sha256}.zip"
    path.write_bytes(content)
    fields = {
        "logical_id": logical_id,
        "path": path,
        "manifest": path,
        "sha256": sha256,
        "size": len(content),
        "unzipped": len(content),
        "target": "lambda",
        "interpreter": SimpleNamespace(version="3.13"),
        "warnings": (),
        "seconds": 0.0,
        "reused": True,
    }
    return Package(**{**fields, **changes})
