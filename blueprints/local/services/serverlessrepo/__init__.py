"""The Serverless Application Repository: publishing, sharing, and deploying what is published."""

import os
from collections.abc import Sequence
from pathlib import Path

from blueprints.local.base.extension import EmbeddedAws, Extension, Route
from blueprints.local.base.process import SAR_FOLDER
from blueprints.local.services.serverlessrepo.endpoint import RepositoryEndpoint


class ServerlessRepo(Extension):
    """Adds the service, and lets CloudFormation nest what is published."""

    after = ("cloudformation",)

    def install(self, aws: EmbeddedAws) -> None:
        kept = os.environ.get(SAR_FOLDER)
        self._endpoint = RepositoryEndpoint(Path(kept) if kept else aws.folder / "sar", aws.endpoint)
        self._endpoint.install()

    def routes(self) -> Sequence[Route]:
        return [Route(self._endpoint.takes, self._endpoint.answer)]

    def reset(self) -> None:
        self._endpoint.reset()


EXTENSION = ServerlessRepo()
