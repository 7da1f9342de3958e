"""Finds files that look like secrets. They must not be published, as a version can be neither replaced nor deleted."""

from collections.abc import Iterator
from pathlib import Path

from blueprints import project_settings
from blueprints.packaging.build import Package
from blueprints.packaging.secret_files import by_content
from blueprints.pattern import Pattern
from blueprints.project_settings import ProjectSettings
from blueprints.publish import metadata
from blueprints.sar_rules.findings import RepositoryFinding
from blueprints.template.reading import Template


def in_packages(pattern: Pattern, packages: list[Package]) -> Iterator[RepositoryFinding]:
    """Files in the functions' code folders that look like secrets, including those that a build leaves out.

    A `.env` is in no package, but it stops publishing too: unless .gitignore ignores it, it will be pushed to the
    source repository that the application names.
    """
    settings = _settings(pattern)
    seen = set()
    for each in (secret for package in packages for secret in package.secrets):
        if each.path not in seen and not settings.may_publish(each.path):
            seen.add(each.path)
            yield _finding(settings, each.path, each.line, each.what)


def in_texts(pattern: Pattern, template: Template) -> Iterator[RepositoryFinding]:
    """Secrets in the other published files: template, readme and licence."""
    settings = _settings(pattern)
    about = metadata.written(template)
    beside = [about[name] for name in ("ReadmeUrl", "LicenseUrl") if isinstance(about.get(name), str)]
    for path in (template.path.resolve(), *(settings.path.parent / name for name in beside)):
        found = by_content(path.name, path.read_bytes()) if path.is_file() else None
        if found and not settings.may_publish(path):
            yield _finding(settings, path, found.line, found.what)


def _settings(pattern: Pattern) -> ProjectSettings:
    return project_settings.load(pattern.folder.resolve())


def _finding(settings: ProjectSettings, path: Path, line: int | None, what: str) -> RepositoryFinding:
    folder = settings.path.parent
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    message = (
        f"{name} looks like {what}, and a published version can't be deleted. Remove it, or add it to .gitignore. "
        f'If it is public, allow it in {settings.path.name}: [publish] public-files = ["{name}"].'
    )
    return RepositoryFinding(path, line or 0, message)
