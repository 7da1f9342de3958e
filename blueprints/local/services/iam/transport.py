"""Treats every request as sent over TLS, which policies with `aws:SecureTransport` require.

On AWS the SDKs use TLS; here they talk to a plain port on loopback, and policies that require TLS work as deployed.
Whether another client would use TLS on AWS cannot be seen here.
"""

from contextvars import ContextVar

from blueprints.local.base.internals import Internal

ORIGIN = Internal("core.iam_evaluator", "_request_origin")
PIN = Internal("app", "pin_request_origin", ("source_ip", "secure_transport"))


def install() -> None:
    """Replace the base emulator's record of a request's origin, for requests and for its own deliveries."""
    origin: ContextVar[tuple[str, bool]] = ContextVar("request_origin", default=("127.0.0.1", True))

    def pin(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - the internal's signature
        origin.set((source_ip, True))

    ORIGIN.replace(origin)
    PIN.replace(pin)
