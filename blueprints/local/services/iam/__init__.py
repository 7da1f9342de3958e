"""IAM: what a call needs permission for, and what policies and roles allow.

authorizations     from a call to actions, resources and condition keys
policies           the policy language
enforcement        judges a call
repeated_checks    leaves out what was judged already
denials            the message of a denial
managed_policies   which managed policies there are, and what they allow
callers            what the caller of the present request may do besides
service_roles      roles that services assume
role_trust         which services may assume a role
trust_policies     which users and roles may
verdicts           what the policies say when a service asks for a principal
resource_policies  what a function's or queue's policy says
"""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.iam import (
    callers,
    denials,
    enforcement,
    managed_policies,
    policies,
    repeated_checks,
    transport,
    trust_policies,
)
from blueprints.local.services.iam.authorizations.glue import table_resources
from blueprints.local.services.iam.authorizations.passed_roles import passed_role_arns
from blueprints.local.services.iam.callers import caller_arn, caller_may, signing_key
from blueprints.local.services.iam.managed_policies import add as add_managed_policy
from blueprints.local.services.iam.managed_policies import unknown_policies_of
from blueprints.local.services.iam.resource_policies import may_invoke, may_send, policy_allows
from blueprints.local.services.iam.role_trust import role_of, trusts
from blueprints.local.services.iam.service_roles import RoleNotAssumed, assume_role, may
from blueprints.local.services.iam.verdicts import answer, principal_of, question


class Iam(Extension):
    """Judges every call by all that it needs, in the policy language of AWS, and as sent over TLS."""

    def install(self, aws: EmbeddedAws) -> None:
        callers.install()
        policies.install()
        trust_policies.install()
        enforcement.install(aws.iam_resources)
        repeated_checks.install()
        transport.install()
        denials.install()
        managed_policies.install()


EXTENSION = Iam()
__all__ = [
    "EXTENSION",
    "RoleNotAssumed",
    "add_managed_policy",
    "answer",
    "assume_role",
    "caller_arn",
    "caller_may",
    "may",
    "may_invoke",
    "may_send",
    "passed_role_arns",
    "policy_allows",
    "principal_of",
    "question",
    "role_of",
    "signing_key",
    "table_resources",
    "trusts",
    "unknown_policies_of",
]
