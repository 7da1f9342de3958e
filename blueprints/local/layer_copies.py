"""Copies of other accounts' layers, such as public ones: blueprints.toml names them.

Functions use a copy under the layer's own ARN. A layer without a copy is refused before anything is deployed, because
it cannot be downloaded.
"""

from collections.abc import Mapping
from typing import Any

from blueprints import project_settings
from blueprints.errors import BlueprintError, at
from blueprints.local.cloud import ACCOUNT, REGION, Cloud
from blueprints.packaging.layers import layer_archive
from blueprints.pattern import Pattern
from blueprints.template.layers import SSM, UsedLayer, used_layers

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}


def check_layers(pattern: Pattern, body: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """Raise BlueprintError if a layer of another account has no copy; `body` is the expanded template."""
    settings = project_settings.load(pattern.folder)
    for layer in used_layers(body, parameters, _PSEUDO):
        if layer.account != ACCOUNT and settings.layer(layer.arn) is None:
            raise _not_here(pattern, layer)


def provide_layers(cloud: Cloud, pattern: Pattern) -> None:
    """Give the embedded AWS the copies that a pattern's blueprints.toml names."""
    for arn, place in project_settings.load(pattern.folder).layers.items():
        cloud.provide_layer(arn, layer_archive(place, pattern.folder))


def _not_here(pattern: Pattern, layer: UsedLayer) -> BlueprintError:
    lines = {function.logical_id: function.line for function in pattern.functions}
    folder = f"layers/{layer.name}"
    if layer.arn.startswith(SSM):
        parameter = layer.arn.removeprefix(SSM)
        what = f"the layer of the public parameter {parameter}"
        arn = f'"$(aws ssm get-parameter --name {parameter} --query Parameter.Value --output text)"'
    else:
        what, arn = f"the layer {layer.arn}", layer.arn
    return BlueprintError(
        f"{layer.function} uses {what}, which is in another account and cannot be fetched without credentials.",
        where=at(pattern.template, lines.get(layer.function)),
        advice=f"""Use a copy of it. Put its content into {folder}/ beside the template, for example with
    pip install --target {folder}/python PACKAGES
  or, with AWS credentials, download it (unzipped or not) from the URL that this prints:
    aws lambda get-layer-version-by-arn --arn {arn} --query Content.Location --output text
  Then name the copy in {settings_name(pattern)}:
    [layers]
    "{layer.arn}" = "{folder}\"""",
    )


def settings_name(pattern: Pattern) -> str:
    """The path of the file that names the copies of layers."""
    return at(pattern.folder / project_settings.NAME)
