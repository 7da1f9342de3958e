"""A pattern's template: read with its line numbers, expanded by SAM offline, checked for what CloudFormation ignores.

template = load(folder / "template.yaml")
problems(template)                      what is written wrongly, each with file, line and what to write
expand(template, {"Environment": "dev"})  the CloudFormation that SAM makes out of it
packaged(template, {"RenderImage": (bucket, key)})  what is sent to CloudFormation
"""

from blueprints.template.artifacts import packaged
from blueprints.template.expansion import expand
from blueprints.template.problems import Problem, problems
from blueprints.template.reading import Template, load

__all__ = ["Problem", "Template", "expand", "load", "packaged", "problems"]
