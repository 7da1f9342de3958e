"""GraphQL schemas of AppSync: its scalars and directives, and what the directives of a schema say.

directives  AppSync's directives, and the rules that they give types and fields
scalars     AppSync's scalars: which values they accept, and how a response has them
schema      reads the schema definition language
"""

from blueprints.local.services.appsync.schemas.directives import AuthRule
from blueprints.local.services.appsync.schemas.schema import InvalidSchema, Schema, parse

__all__ = ["AuthRule", "InvalidSchema", "Schema", "parse"]
