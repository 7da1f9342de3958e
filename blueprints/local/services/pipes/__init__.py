"""EventBridge Pipes: pipes that would move nothing here are refused."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.pipes import refusals


class Pipes(Extension):
    """Extends the base emulator's pipes."""

    def install(self, aws: EmbeddedAws) -> None:
        refusals.install()


EXTENSION = Pipes()
__all__ = ["EXTENSION"]
