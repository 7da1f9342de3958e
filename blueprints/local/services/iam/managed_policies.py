"""Managed policies: one that does not exist cannot be attached, and one whose content is not known here is named.

The base emulator attaches any ARN. The list of aws-sam-translator says which policies AWS has. What one allows is known
if the base emulator has it or `add` gave it; the others allow nothing here.
Sources: IAM API Reference, AttachRolePolicy; AWS Managed Policy Reference.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Properties, ResourceFailed, wrap

KNOWN = Internal("services.iam", "_aws_managed_policies")
SEED = Internal("services.iam", "_seed_aws_managed_policies", ())
RECORD = Internal("services.iam", "_make_aws_managed_record", ("name", "document", "description"))
EXISTS = Internal("services.iam", "_policy_exists", ("arn",))
HANDLERS = Internal("services.iam", "_IAM_HANDLERS")
PARAMETER = Internal("services.iam", "_p", ("params", "key", "default"))
ERROR = Internal("services.iam", "_error", ("status", "code", "message", "ns"))

_PREFIX = "arn:aws:iam::aws:policy/"
_ATTACHING = ("AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy")
_TYPES = ("AWS::IAM::Role", "AWS::IAM::User")
_PROPERTIES = ("ManagedPolicyArns", "PermissionsBoundary")
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_XRAY = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
# Those that serverless templates name often and the base emulator lacks; SAM attaches the first to traced functions.
_ADDED: dict[str, Sequence[tuple[Sequence[str], str]]] = {
    "AWSXrayWriteOnlyAccess": [([*(f"xray:{each}" for each in _XRAY), "xray:GetSamplingStatisticSummaries"], "*")],
    "AWSLambdaExecute": [(["logs:*"], "arn:aws:logs:*:*:*"), (["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::*")],
    "service-role/AWSAppSyncPushToCloudWatchLogs": [(_LOGS, "*")],
    "AmazonKinesisFullAccess": [(["kinesis:*"], "*")],
    "AmazonKinesisReadOnlyAccess": [(["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"], "*")],
    "AmazonSSMReadOnlyAccess": [(["ssm:Describe*", "ssm:Get*", "ssm:List*"], "*")],
    "AWSStepFunctionsFullAccess": [(["states:*"], "*")],
}
_added: dict[str, dict[str, Any]] = {}

_Operation = Callable[[Any], Any]

log = logging.getLogger(__name__)


def add(name: str, statements: Sequence[Mapping[str, Any]], description: str = "") -> None:
    """Make the content of a policy of AWS known; `name` has its path, as in `service-role/AWSLambdaRole`."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    record = RECORD.current()(name, document, description)
    _added[record["Arn"]] = record
    KNOWN.current()[record["Arn"]] = record


def install() -> None:
    """Check every policy that is attached, by the API and by templates."""
    seed: Callable[[], None] = SEED.current()

    def seed_with_added() -> None:
        seed()
        KNOWN.current().update(_added)

    SEED.replace(seed_with_added)
    for name, grants in _ADDED.items():
        add(name, [{"Effect": "Allow", "Action": list(actions), "Resource": where} for actions, where in grants])
    handlers = HANDLERS.current()
    for operation in _ATTACHING:
        handlers[operation] = _checking(handlers[operation])
    for kind in _TYPES:
        wrap(kind, create=_checking_create, update=_checking_update)


def _unknown(arns: Iterable[str]) -> list[str]:
    return [arn for arn in arns if not EXISTS.current()(arn) and arn in _on_aws()]


def refusal(arn: str) -> str | None:
    """IAM's message if a policy cannot be attached, with what to do; None if it can."""
    if EXISTS.current()(arn) or arn in _on_aws():
        return None
    message = f"Policy {arn} does not exist or is not attachable."
    if not arn.startswith(_PREFIX):
        return message
    same_name = [each for each in _on_aws() if each.rpartition("/")[2] == arn.rpartition("/")[2]]
    if same_name:
        return f"{message} Did you mean {same_name[0]}?"
    # AWS may have published it since.
    return f"{message} It is none of the policies of AWS that aws-sam-translator {version('aws-sam-translator')} lists."


@cache
def _on_aws() -> frozenset[str]:
    from samtranslator.internal.managed_policies import get_bundled_managed_policy_map

    return frozenset((get_bundled_managed_policy_map("aws") or {}).values())


def _checking(attach: _Operation) -> _Operation:
    def checking(params: Any) -> Any:
        arn = str(PARAMETER.current()(params, "PolicyArn"))
        refused = refusal(arn)
        if refused:
            return ERROR.current()(404, "NoSuchEntity", refused, ns="iam")
        for each in _unknown([arn]):
            log.warning("%s is attached, but what it allows is not known here: it allows nothing", each)
        return attach(params)

    return checking


def _checking_create(create: Handler) -> Handler:
    def creating(logical_id: str, props: Properties, *rest: Any) -> Any:
        _check(props)
        return create(logical_id, props, *rest)

    return creating


def _checking_update(update: Handler) -> Handler:
    def updating(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Any:
        _check(new)
        return update(physical_id, old, new, *rest, **options)

    return updating


def _check(props: Properties) -> None:
    named = [arn for name in _PROPERTIES for arn in _arns(props.get(name))]
    refused = next(filter(None, map(refusal, named)), None)
    if refused:
        raise ResourceFailed(f"{refused} (Service: Iam, Status Code: 404)")


def unknown_policies_of(props: Mapping[str, Any]) -> dict[str, list[str]]:
    """By property of a template's role or user: the policies of AWS whose content is not known here."""
    found = {name: _unknown(_arns(props.get(name))) for name in _PROPERTIES}
    return {name: arns for name, arns in found.items() if arns}


def _arns(value: object) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value] if value else [])]
