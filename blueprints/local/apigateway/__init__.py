"""API Gateway as templates describe it: OpenAPI bodies become routes, and functions are invoked with permission."""

from blueprints.local.apigateway import http_apis, lambda_integrations, openapi, preflights, rest_apis

HOOKS = (*openapi.HOOKS, *http_apis.HOOKS, *rest_apis.HOOKS, *lambda_integrations.HOOKS, *preflights.HOOKS)


def install() -> None:
    """Take the place of the base emulator's imports and of its invocations of functions."""
    http_apis.install()
    rest_apis.install()
    lambda_integrations.install()
    preflights.install()
