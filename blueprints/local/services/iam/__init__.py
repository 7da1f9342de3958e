"""IAM: the resource of a request, and what policies and roles allow."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.iam import denials, requested_resources, transport
from blueprints.local.services.iam.callers import caller_arn, caller_may
from blueprints.local.services.iam.identity_policies import answer, principal_of, question
from blueprints.local.services.iam.resource_policies import may_invoke, may_send, policy_allows
from blueprints.local.services.iam.role_trust import trusts
from blueprints.local.services.iam.service_roles import RoleNotAssumed, assume_role, may


class Iam(Extension):
    """Asks the extensions which resource a request is about, and counts every request as sent over TLS."""

    def install(self, aws: EmbeddedAws) -> None:
        requested_resources.install(aws.iam_resources)
        transport.install()
        denials.install()


EXTENSION = Iam()
__all__ = [
    "EXTENSION",
    "RoleNotAssumed",
    "answer",
    "assume_role",
    "caller_arn",
    "caller_may",
    "may",
    "may_invoke",
    "may_send",
    "policy_allows",
    "principal_of",
    "question",
    "trusts",
]
