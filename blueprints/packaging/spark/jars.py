"""Downloads a Glue version's jars from Maven Central with Ivy, which Spark brings, and checks each by its content."""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging.spark.java import Java
from blueprints.packaging.spark.versions import Jar
from blueprints.progress import Report

_SECONDS = 1_200.0
_SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/java/cacerts")


def download(jars: Iterable[Jar], into: Path, java: Java, ivy: Path, report: Report | None = None) -> None:
    """Put the jars into a folder. Raises BlueprintError if one cannot be downloaded, or is not the one that is pinned.

    `ivy` is Ivy's own jar.
    """
    jars = list(jars)
    if report:
        report(f"downloading {len(jars)} jars for Spark from Maven Central (about 115 MB, once)")
    settings = into / "ivy.xml"
    settings.write_text(_module(jars), encoding="utf-8")
    authorities = [f"-Djavax.net.ssl.trustStore={_SYSTEM_AUTHORITIES}"] if _SYSTEM_AUTHORITIES.is_file() else []
    command: list[str | Path] = [
        java.program,
        *authorities,
        "-jar",
        ivy,
        "-cache",
        cache.folder("ivy"),
        "-ivy",
        settings,
    ]
    command += ["-retrieve", f"{into}/[artifact]-[revision].[ext]", "-types", "jar"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=into)
    except subprocess.TimeoutExpired:
        raise BlueprintError(
            "Maven Central did not deliver Spark's jars within 20 minutes.", advice="Run this again."
        ) from None
    settings.unlink()
    for jar in jars:
        _check(into / jar.file, jar, answer.stdout + answer.stderr)


def _module(jars: Iterable[Jar]) -> str:
    dependencies = "".join(
        f"<dependency org={quoteattr(each.organisation)} name={quoteattr(each.name)} "
        f'rev={quoteattr(each.revision)} transitive="false"/>'
        for each in jars
    )
    info = '<info organisation="serverless-blueprints" module="spark"/>'
    return f'<ivy-module version="2.0">{info}<dependencies>{dependencies}</dependencies></ivy-module>'


def _check(path: Path, jar: Jar, log: str) -> None:
    if not path.is_file():
        raise BlueprintError(
            f"{jar.file} could not be downloaded from Maven Central.",
            advice="Connect to the network and run this again; afterwards it works without.\n\nIvy says:\n"
            + log[-2000:],
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        path.unlink()
        raise BlueprintError(
            f"The {jar.file} that was downloaded is not the one that is expected: its SHA-256 is {found}.",
            advice=f"Look at what lies between this machine and Maven Central, empty {cache.folder('ivy')}, and run "
            "this again.",
        )
