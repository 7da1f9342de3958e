"""API Gateway of templates: routes from OpenAPI bodies; functions are invoked only if their policy allows it."""

from blueprints.local.services.apigateway import http_apis, lambda_integrations, openapi, preflights, rest_apis

INTERNALS = (
    *openapi.INTERNALS,
    *http_apis.INTERNALS,
    *rest_apis.INTERNALS,
    *lambda_integrations.INTERNALS,
    *preflights.INTERNALS,
)


def install() -> None:
    """Replace the base emulator's import of definitions and its invocation of functions."""
    http_apis.install()
    rest_apis.install()
    lambda_integrations.install()
    preflights.install()
