"""Deploys the prerequisites of a pattern to the embedded AWS."""

from collections.abc import Mapping

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.stacks.prerequisites import with_prerequisites
from blueprints.template.artifacts import packaged
from blueprints.template.reading import Template


def deploy_prerequisites(
    cloud: Cloud, pattern: Pattern, given: Mapping[str, str], progress: Progress
) -> dict[str, str]:
    """Deploy the prerequisites that `given` does not replace; returns the pattern's parameters, given ones included."""

    def deployed(name: str, template: Template) -> dict[str, str]:
        with progress.step(f"Deploy its {name}"):
            return deploy(cloud, f"{pattern.stack_name}-{name}", packaged(template, {})).outputs

    return with_prerequisites(pattern, given, deployed)
