"""AppSync's control plane: what the base emulator's lacks is checked or added before it stores a resource.

apis                  the operations on APIs
authentication_types  those of an API, checked
api_keys              the operations on API keys, and their lifetime
schemas               the operations on schemas and their types
data_sources          the operations on data sources
resolvers             the operations on resolvers
functions             the operations on functions of pipelines
code                  the code of resolvers and functions, checked
routing               operations that the base emulator lacks or that are not emulated
model                 checks input by botocore's model
errors                an operation that AppSync refuses
passed_roles          whether the caller may give AppSync a role
permissions           the resources by which IAM judges a request
resource_types        CloudFormation's types of AppSync
properties            reads their properties, also from S3
urls                  where an API answers
"""

from blueprints.local.base.resource_types import Handler
from blueprints.local.services.appsync.control_plane import (
    api_keys,
    apis,
    data_sources,
    functions,
    permissions,
    resolvers,
    resource_types,
    routing,
    schemas,
)


def install(endpoint: str) -> None:
    """Check and complete what the base emulator does. `endpoint` is where the embedded AWS answers."""
    apis.install(endpoint)
    for each in (api_keys, schemas, data_sources, functions, resolvers, routing, permissions, resource_types):
        each.install()


def handlers() -> dict[str, dict[str, Handler]]:
    """CloudFormation's handlers of AppSync's resource types."""
    return resource_types.handlers()
