"""Who may use a GraphQL API, and which of its fields.

authentication       finds the authentication type that a request uses, and its caller
providers            the authentication types of an API
cognito_tokens       AMAZON_COGNITO_USER_POOLS: tokens of a user pool
openid_tokens        OPENID_CONNECT: tokens of another issuer, by the keys that it publishes
json_web_tokens      reads both kinds of tokens
signatures           AWS_IAM: requests signed with an access key
lambda_authorizers   AWS_LAMBDA: the API's own function decides
field_rules          directives and policies that decide about a field
"""

from blueprints.local.services.appsync.authorization.authentication import Authentication
from blueprints.local.services.appsync.authorization.field_rules import may_access

__all__ = ["Authentication", "may_access"]
