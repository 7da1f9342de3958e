"""Secrets Manager: names of secrets are checked."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.secretsmanager import secret_names


class SecretsManager(Extension):
    """Refuses secrets whose names AWS refuses."""

    def install(self, _aws: EmbeddedAws) -> None:
        secret_names.install()


EXTENSION = SecretsManager()
