"""Properties that Lambda and SAM accept and the repository may not accept yet, as its schema has been older before."""

from collections.abc import Iterator

from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.template.reading import Place, Template

_NEWEST_RUNTIMES = {"dotnet10", "java25", "nodejs22.x", "nodejs24.x", "python3.13", "python3.14", "ruby3.4"}
_FUNCTION = "AWS::Serverless::Function"


def properties(template: Template) -> Iterator[RepositoryFinding]:
    """One finding for each runtime or property, at its first place in the template."""
    seen: set[str] = set()
    for logical_id in template.of_type(_FUNCTION):
        written = template.properties(logical_id)
        runtime = template.value(written.get("Runtime"))
        if runtime in _NEWEST_RUNTIMES and str(runtime) not in seen:
            seen.add(str(runtime))
            yield _unconfirmed(template, logical_id, "Runtime", f"the runtime {runtime}")
        if "LoggingConfig" in written and "LoggingConfig" not in seen:
            seen.add("LoggingConfig")
            yield _unconfirmed(template, logical_id, "LoggingConfig", "LoggingConfig")


def _unconfirmed(template: Template, logical_id: str, name: str, what: str) -> RepositoryFinding:
    message = (
        f"{what} is newer than the last known schema of the repository; 'blueprints try' finds out, with a private "
        "copy, whether it is accepted."
    )
    own: Place = ("Resources", logical_id, "Properties", name)
    return found("unconfirmed", message, template, own if own in template.lines else ("Globals", "Function", name))
