"""GraphQL schemas of AppSync, with its scalars and directives.

directives  AppSync's directives, and the rules that they give types and fields
scalars     AppSync's scalars: validation and serialization
schema      reads the schema definition language
"""

from blueprints.local.services.appsync.schemas.directives import AuthRule
from blueprints.local.services.appsync.schemas.schema import InvalidSchema, Schema, parse

__all__ = ["AuthRule", "InvalidSchema", "Schema", "parse"]
