"""CloudFormation stacks on any AWS, in an account or embedded: one client for both.

calls          a call to AWS: retried, and its failure as a BlueprintError
account        boto3 clients of the account whose credentials the environment has
stack          a deployed stack as a value: outputs, resources, tags
client         create, update, execute a change set, wait, describe
events         a stack's events: what failed and why, what is in progress
deletion       delete a stack and its buckets
usable         the outputs of a stack that is completely deployed
logs           the errors that a stack's functions logged
prerequisites  templates in a pattern's folder companions/, deployed before the pattern
"""
