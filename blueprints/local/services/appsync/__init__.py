"""AppSync: GraphQL APIs, whose control plane the base emulator keeps and whose requests are answered here.

records      what the base emulator stores of an API, as values
javascript/  runs and checks the APPSYNC_JS code of resolvers
requests     a request, the caller's identity, a response and its errors
"""

from blueprints.local.base.extension import Extension


class AppSync(Extension):
    """Answers GraphQL requests over HTTP and WebSockets."""

    after = ("iam", "lambda_", "cloudformation")


EXTENSION = AppSync()
__all__ = ["EXTENSION"]
