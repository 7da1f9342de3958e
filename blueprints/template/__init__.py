"""A pattern's template: read with its line numbers, expanded by SAM offline, checked for what CloudFormation ignores.

template = reading.load(folder / "template.yaml")
problems.problems(template)                 what is written wrongly, each with file, line and what to write
expansion.expand(template, {"Environment": "dev"})  the CloudFormation that SAM makes out of it
artifacts.packaged(template, {"RenderImage": (bucket, key)})  what is sent to CloudFormation
"""
