"""CodeBuild: runs builds, which the base emulator only records.

projects      a project's settings, checked
buildspec     a build specification, read and checked
build_source  fetches a build's files
build_shell   runs its commands in one shell
builds        replaces the base emulator's builds, which succeed without running
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.services.codebuild.builds import Builds


class CodeBuild(Extension):
    """Replaces the base emulator's builds, which succeed without running."""

    after = ("eventbridge",)

    def install(self, aws: EmbeddedAws) -> None:
        self._builds = Builds(aws.folder / "builds", aws.endpoint)
        self._builds.install()

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"codebuild": _project_of}

    def reset(self) -> None:
        self._builds.close()

    def close(self) -> None:
        self._builds.close()


def _project_of(request: dict[str, Any], query: dict[str, Any]) -> str | None:  # noqa: ARG001 - everything is in the body
    """A build is authorised as its project."""
    builds = request.get("ids") or ([request["id"]] if "id" in request else [])
    return f"project/{str(builds[0]).rpartition(':')[0]}" if builds else None


EXTENSION = CodeBuild()
