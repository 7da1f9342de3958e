"""What a call needs permission for: from a request to actions, resources and condition keys.

call      a request to an AWS API, read once
needs     tables from an operation to what it needs
services  finds the module of a service
passed_roles, creation_tags  what calls of any service need for the roles and tags that they give

Every other module here is about one service: its `SERVICES` gives a function for each service of the base emulator's
router that it knows, and its `SUPERSEDED` the checks of the base emulator that it makes needless.
Source: Service Authorization Reference.
"""

from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.creation_tags import creation_tags
from blueprints.local.services.iam.authorizations.passed_roles import passed_roles
from blueprints.local.services.iam.authorizations.services import Authorize, authorizers, superseded_checks

__all__ = ["Authorization", "Authorize", "Call", "authorizers", "creation_tags", "passed_roles", "superseded_checks"]
