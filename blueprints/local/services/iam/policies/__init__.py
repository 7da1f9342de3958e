"""The policy language, as IAM evaluates it: what the base emulator's evaluator lacks.

statements      parses and compiles policies once
patterns        wildcards in resources, ARNs and strings
variables       policy variables such as `${aws:username}`
conditions      conditions, with their variables
condition_keys  global condition keys
principals      statements of resource policies, also with NotPrincipal
"""

from blueprints.local.services.iam.policies import condition_keys, conditions, principals, statements


def install() -> None:
    """Replace the parts of the base emulator's evaluator."""
    condition_keys.install()
    conditions.install()
    statements.install()
    principals.install()
