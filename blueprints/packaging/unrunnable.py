"""Refuses functions and layers that cannot run here, before anything is built or started."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern
from blueprints.template.reading import Place, Template, load

_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Lambda::LayerVersion": "Content",
}
_ARCHIVES = (".zip", ".jar")
_RETIRED = ("python3.6", "python3.7", "python3.8")


def check_runnable(pattern: Pattern) -> None:
    """Raise BlueprintError if a function or layer cannot run here; those with a Condition are not checked."""
    template = load(pattern.template)
    for logical_id in template.of_type(*_CODE):
        if "Condition" in template.resources[logical_id]:
            continue
        for place, what, remedy in _reasons(template, logical_id):
            raise BlueprintError(
                f"{logical_id}: {what}",
                where=template.at("Resources", logical_id, *place),
                advice=remedy,
            )


def _reasons(template: Template, logical_id: str) -> Iterator[tuple[Place, str, str]]:
    resource, properties = template.resources[logical_id], template.properties(logical_id)
    if resource["Type"] in _FUNCTIONS:
        yield from _of_the_function(template, logical_id, resource, properties)
    name = _CODE[resource["Type"]]
    written = properties.get(name)
    inline = "InlineCode" in properties or (isinstance(written, dict) and "ZipFile" in written)
    if not inline:
        yield from _of_the_code(template, properties, name, written)


def _of_the_function(
    template: Template, logical_id: str, resource: dict[str, Any], properties: dict[str, Any]
) -> Iterator[tuple[Place, str, str]]:
    without = (
        f"It can be deployed to AWS unchanged. To run the rest here, copy the template without {logical_id} and run "
        f"the copy: 'blueprints up {template.folder.name}/copy.yaml'."
    )
    code = properties.get("Code")
    if properties.get("PackageType") == "Image" or (isinstance(code, dict) and "ImageUri" in code):
        yield ("Properties",), "it is a container image, and the embedded AWS runs zip packages.", without
    runtime = template.value(properties.get("Runtime"))
    if isinstance(runtime, str) and not runtime.startswith("python3."):
        yield ("Properties", "Runtime"), f"its runtime is {runtime}, and the embedded AWS runs Python.", without
    if runtime in _RETIRED:
        what = f"its runtime is {runtime}, which Lambda no longer supports for new functions."
        yield ("Properties", "Runtime"), what, "Write 'Runtime: python3.13', and test the handler on it."
    about = resource.get("Metadata")
    method = about.get("BuildMethod") if isinstance(about, dict) else None
    if isinstance(method, str) and not method.startswith("python"):
        yield (
            ("Metadata", "BuildMethod"),
            f"it is built by {method}, which is not supported here.",
            "Build it with 'sam build', and run the result: 'blueprints up .aws-sam/build/template.yaml'.",
        )


def _of_the_code(
    template: Template, properties: dict[str, Any], name: str, written: object
) -> Iterator[tuple[Place, str, str]]:
    place = ("Properties", name)
    remote = _in_s3(written)
    if remote:
        yield (
            place,
            f"its {name} is {remote}, which can't be fetched from here.",
            f"Set {name} to a local folder or zip file. If 'sam package' wrote this template, run the original.",
        )
    path = template.folder / written if isinstance(written, str) else None
    if path is None or not path.is_file() or path.suffix not in _ARCHIVES:
        return
    if not zipfile.is_zipfile(path):
        yield place, f"{name} '{written}' is not a zip file.", "Create it again, or name the folder of the sources."
    elif isinstance(properties.get("Handler"), str) and not properties.get("Layers"):
        yield from _handler_in(path, str(properties["Handler"]))


def _in_s3(written: object) -> str | None:
    if isinstance(written, str):
        return written if written.startswith(("s3://", "https://", "http://")) else None
    if not isinstance(written, dict):
        return None
    bucket = written.get("Bucket", written.get("S3Bucket"))
    key = written.get("Key", written.get("S3Key"))
    if bucket is None:
        return None
    return f"s3://{bucket}/{key}" if isinstance(bucket, str) and isinstance(key, str) else "in S3"


def _handler_in(path: Path, handler: str) -> Iterator[tuple[Place, str, str]]:
    module = handler.rpartition(".")[0].replace(".", "/")
    with zipfile.ZipFile(path) as opened:
        names = set(opened.namelist())
    if not names & {f"{module}.py", f"{module}/__init__.py", f"{module}.pyc"}:
        listed = ", ".join(sorted(name for name in names if name.endswith(".py") and "/" not in name)) or "no module"
        yield (
            ("Properties", "Handler"),
            f"Handler '{handler}': there is no {module}.py at the top of {path.name}.",
            f"The top has {listed}. Zip the content of the folder, not the folder.",
        )
