"""A pattern's template: read with its line numbers, expanded by SAM offline, checked for what CloudFormation ignores.

template = reading.load(folder / "template.yaml")
problems.problems(template)                 findings, each with file, line and what to write
expansion.expand(template, {"Environment": "dev"})  the CloudFormation template that SAM generates
artifacts.packaged(template, {"RenderImage": (bucket, key)})  the template to send to CloudFormation
"""
