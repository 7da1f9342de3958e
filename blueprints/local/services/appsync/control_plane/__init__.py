"""AppSync's control plane: what the base emulator's lacks is checked or added before it stores a resource.

errors          an operation that AppSync refuses
checks          what AppSync refuses of resolvers, functions, data sources and authentication types
schemas         the creation of a schema, and the types of a stored one
api_keys        the lifetime of API keys
operations      the operations of the API
permissions     the resources by which IAM judges a request
resource_types  CloudFormation's types of AppSync
urls            where an API answers
"""

from blueprints.local.base.resource_types import Handler
from blueprints.local.services.appsync.control_plane import operations, permissions, resource_types


def install(endpoint: str) -> None:
    """Check and complete what the base emulator does. `endpoint` is where the embedded AWS answers."""
    operations.install(endpoint)
    permissions.install()
    resource_types.install()


def handlers() -> dict[str, dict[str, Handler]]:
    """CloudFormation's handlers of AppSync's resource types."""
    return resource_types.handlers()
