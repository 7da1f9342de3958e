"""Fetches a build's files: a zip archive in S3, with the permissions of the project's role; or none."""

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.clients import Caller

COVERED = ("NO_SOURCE", "S3", "CODEPIPELINE")


class SourceFailed(Exception):
    """The files could not be fetched; the message says why."""


def fetch(source: dict[str, Any], session: Caller, folder: Path) -> str:
    """Put a build's files into a folder; returns their version. Raises SourceFailed."""
    if source.get("type") == "NO_SOURCE":
        return ""
    bucket, _, key = str(source.get("location") or "").removeprefix("arn:aws:s3:::").partition("/")
    try:
        answer = session.client("s3").get_object(Bucket=bucket, Key=key)
        content = answer["Body"].read()
    except ClientError as error:
        raise SourceFailed(f"s3://{bucket}/{key}: {error.response['Error'].get('Message') or error}") from error
    unpack(content, folder, f"s3://{bucket}/{key}")
    return str(answer.get("VersionId") or answer["ETag"].strip('"'))


def unpack(content: bytes, folder: Path, name: str) -> None:
    """Unpack a zip archive with its file modes, so that executable files stay executable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for item in archive.infolist():
                placed = Path(archive.extract(item, folder))  # which keeps names inside the folder
                mode = stat.S_IMODE(item.external_attr >> 16)
                if mode and placed.is_file():
                    placed.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
    except zipfile.BadZipFile as error:
        raise SourceFailed(f"{name} is no zip archive") from error
