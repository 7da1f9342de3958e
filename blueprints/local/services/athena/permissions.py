"""What the caller of a query may read.

Athena reads the catalog and the objects with the permissions of its caller: a query fails without `glue:GetTable`,
`s3:ListBucket` and `s3:GetObject`. Source: Amazon Athena User Guide, "Identity-based policies for Athena".
"""

from typing import Any

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.services import kms
from blueprints.local.services.athena.failures import QueryRefused
from blueprints.local.services.iam import answer, principal_of, question, signing_key, table_resources

ACCOUNT = Internal("core.responses", "get_account_id")
REGION = Internal("core.responses", "get_region")

_BY_WAY_OF_ATHENA = {"aws:ViaAWSService": "true", "aws:CalledVia": ["athena.amazonaws.com"]}


class Permissions:
    """The permissions of the request in whose context this is made; the account's owner may do everything."""

    def __init__(self) -> None:
        self.account, self.region = str(ACCOUNT.current()()), str(REGION.current()())
        key = signing_key()
        self._principal: Any = principal_of(key, self.account) if key else None

    def owner(self, endpoint: str) -> Caller:
        """The account's owner, for what is done after the caller's permission was checked."""
        return Caller.owner(self.account, self.region, endpoint)

    def allow(self, action: str, resource: str) -> bool:
        """Whether the caller may do it."""
        if self._principal is None:
            return True
        asked = question(self._principal, action, resource, self.region, _BY_WAY_OF_ATHENA)
        return bool(answer(self._principal, asked).decision == "Allow")

    def check(self, action: str, resource: str) -> None:
        """Raise QueryRefused, in Athena's words, unless the caller may do it."""
        if not self.allow(action, resource):
            raise QueryRefused(
                f"Insufficient permissions to execute the query. User: {self._principal.arn} is not authorized to "
                f"perform: {action} on resource: {resource}"
            )

    def check_table(self, database: str, name: str) -> None:
        """Raise QueryRefused unless the caller may read a table's entry in the catalog."""
        for each in table_resources(database, [name]):
            self.check("glue:GetTable", f"arn:aws:glue:{self.region}:{self.account}:{each}")

    def check_object(self, location: str) -> None:
        """Raise QueryRefused unless the caller may read an object, by its `s3://` address."""
        place = location.partition("://")[2]
        self.check("s3:GetObject", f"arn:aws:s3:::{place}")
        bucket, _, key = place.partition("/")
        refused = self._key_refusal(kms.object_encryption(bucket, key), "Decrypt")
        if refused:
            raise QueryRefused(f"Insufficient permissions to execute the query. {refused}")

    def may_write(self, bucket: str, key: str) -> bool:
        """Whether the caller may write an object, also by the key of the bucket."""
        if not self.allow("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}"):
            return False
        return self._key_refusal(kms.new_object_encryption(bucket, key), "GenerateDataKey") is None

    def _key_refusal(self, encryption: kms.Encryption | None, operation: str) -> str | None:
        if encryption is None or self._principal is None:
            return None
        try:
            kms.require(self._principal, encryption, operation)
        except kms.KeyRefused as refused:
            return str(refused)
        return None
