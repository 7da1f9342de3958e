"""Findings in the form of a template: its transform, macros, local paths and size."""

from collections.abc import Iterator

from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.sar_rules.limits import TEMPLATE_BYTES
from blueprints.template.artifacts import includes, local_artifacts
from blueprints.template.macros import macro_uses
from blueprints.template.reading import SAM, Template


def transforms(template: Template) -> Iterator[RepositoryFinding]:
    """Findings in transforms: the template must have SAM's and no other, and no macros."""
    uses = list(macro_uses(template))
    for use in uses:
        yield found("refused", str(use), template, use.place)
    written = template.body.get("Transform")
    if written != SAM and not any(use.place == ("Transform",) for use in uses):
        yield found("refused", f"Transform is {written!r}; write 'Transform: {SAM}'.", template, ("Transform",))
    for place in template.lines:
        if place and place[-1] == "Fn::Transform" and not any(use.place == place for use in uses):
            yield found("refused", "Fn::Transform is a macro; write out what it would generate.", template, place)
    for place, _ in includes(template):
        yield found("refused", "AWS::Include names a local file; write its content here.", template, place)


def nested_by_path(template: Template) -> Iterator[RepositoryFinding]:
    """Findings in nested templates with a local path: they must be published as applications first."""
    for artifact in local_artifacts(template):
        if template.resources[artifact.logical_id]["Type"] in (
            "AWS::Serverless::Application",
            "AWS::CloudFormation::Stack",
        ):
            message = (
                f"{artifact.logical_id}: '{artifact.path}' is a template on this machine; publish it first and name "
                "its ApplicationId and SemanticVersion as the Location."
            )
            yield found("refused", message, template, ("Resources", artifact.logical_id, "Properties", *artifact.place))


def unpackaged(template: Template, packaged: frozenset[str] = frozenset()) -> Iterator[RepositoryFinding]:
    """Findings in local paths of resources that are not among `packaged`, by logical id."""
    nested = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")
    for artifact in local_artifacts(template):
        if artifact.logical_id in packaged or template.resources[artifact.logical_id]["Type"] in nested:
            continue
        message = (
            f"{artifact.logical_id}: {artifact.name} '{artifact.path}' is a local path that nothing packages; "
            "write its content into the template, or name an s3:// location."
        )
        yield found("refused", message, template, ("Resources", artifact.logical_id, "Properties", *artifact.place))


def size(template: Template, size_in_bytes: int) -> Iterator[RepositoryFinding]:
    """A finding if the packaged template is too large."""
    if size_in_bytes > TEMPLATE_BYTES:
        message = (
            f"The template has {size_in_bytes:,} bytes when packaged; the Serverless Application Repository accepts "
            f"{TEMPLATE_BYTES:,}. Split it into applications, or move long texts into functions."
        )
        yield found("refused", message, template, ())
