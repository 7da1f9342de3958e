"""API Gateway of templates: routes from OpenAPI bodies; functions are invoked only if their policy allows it."""

from blueprints.local.apigateway import http_apis, lambda_integrations, openapi, preflights, rest_apis

HOOKS = (*openapi.HOOKS, *http_apis.HOOKS, *rest_apis.HOOKS, *lambda_integrations.HOOKS, *preflights.HOOKS)


def install() -> None:
    """Replace the base emulator's import of definitions and its invocation of functions."""
    http_apis.install()
    rest_apis.install()
    lambda_integrations.install()
    preflights.install()
