"""The names that Step Functions uses for services, members and errors of AWS APIs.

Step Functions calls the APIs through the AWS SDK for Java, and its names are that SDK's, with a capital first letter:
`DBInstanceIdentifier` is `DbInstanceIdentifier`, and the service `stepfunctions` of botocore is `sfn`.
"""

import re
from functools import cache

from blueprints.local.base.service_models import service_names

# Service names in Resources that are not botocore's name without hyphens.
_BOTOCORE_NAMES = {
    "applicationdiscovery": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimev2": "lexv2-runtime",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}


@cache
def botocore_service(name: str) -> str | None:
    """Botocore's name of a service in a Resource, such as `logs` for `cloudwatchlogs`; None if there is none."""
    if name in _BOTOCORE_NAMES:
        return _BOTOCORE_NAMES[name]
    by_plain_name = {each.replace("-", ""): each for each in service_names() if each not in _BOTOCORE_NAMES.values()}
    return by_plain_name.get(name)


def member_name(name: str) -> str:
    """A member of an API's structure as Step Functions names it: `SSEDescription` is `SseDescription`."""
    begin = 1
    while begin < len(name) and name[begin].isupper() and not name[begin + 1 : begin + 2].islower():
        begin += 1
    return capitalised(name[:begin].lower() + name[begin:])


def capitalised(name: str) -> str:
    """The name with a capital first letter, and the others as they are."""
    return name[:1].upper() + name[1:]


@cache
def service_prefix(service_id: str) -> str:
    """The prefix of a service's errors, from the `serviceId` of its model: `DynamoDB` is `DynamoDb`."""
    plain = re.sub(r"\s*Service$", "", re.sub(r"^(Amazon|AWS)\s*", "", service_id))
    return _pascal_case(plain)


@cache
def exception_name(shape_name: str) -> str:
    """The error name of an exception in a model: `NoSuchKey` is `NoSuchKeyException`."""
    plain = shape_name.removesuffix("Fault") if shape_name.endswith("Fault") else shape_name
    name = _pascal_case(plain)
    return name if name.endswith("Exception") else f"{name}Exception"


def _pascal_case(name: str) -> str:
    return "".join(word.lower().capitalize() for word in _words(name))


def _words(name: str) -> list[str]:
    """The words of a name, by the SDK's rules: capitals, acronyms, digits and versions begin words."""
    name = re.sub(r"[^A-Za-z0-9]+", " ", name)
    name = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", name)
    name = re.sub(r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-zA-Z0-9])", " ", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name)
    name = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", name)
    return name.split()
