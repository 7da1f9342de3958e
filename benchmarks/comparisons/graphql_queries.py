"""GraphQL queries of AppSync on the embedded AWS, against the base emulator's own endpoint.

The same API is deployed to both: a direct Lambda resolver, and one in JavaScript without a data source. Clients
stay open and functions are warm. CPU is that of the emulator's process, without the functions; the floor is the
invocation of the same function by the API of Lambda.
"""

import http.client
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import emulators
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Unavailable, Variant
from benchmarks.peers import node

TITLE = "GraphQL queries"

_STACK = "graphql"
_QUERIES = 100
_RESOLVERS = 20
_SCHEMA = """
type Query { note(id: ID!): Note  computed(id: ID!): Note }
type Note { id: ID!  title: String  body: String  owner: String  version: Int  tags: [String!] }
"""
_SOURCE = """
def handler(event, context):
    return {"id": event["arguments"]["id"], "title": "a", "body": "b", "owner": "c", "version": 1, "tags": ["d"]}
"""
_CODE = """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  return { payload: { id: ctx.args.id, title: 'a', body: 'b', owner: 'c', version: 1, tags: ['d'] } };
}
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return ctx.result;
}
"""
_QUERY = "query Get($id: ID!) { note(id: $id) { id title body owner version tags } }"
_EXPECTED = {"id": "7", "title": "a", "body": "b", "owner": "c", "version": 1, "tags": ["d"]}


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the time of a query, and the CPU time that it takes more than its function."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    queries = 10 if bench.quick else _QUERIES
    with Cloud() as cloud, emulators.stock() as stock:
        ours = Api.deployed(cloud.endpoint, queries, cloud.process_id)
        theirs = Api.deployed(stock, queries)
        named = "query with a direct Lambda resolver"
        variants = {
            "peer": Variant("ministack as it is", theirs.known),
            "ours": Variant("ours", ours.known),
            "floor": Variant("the invocation alone", ours.invoke),
        }
        timed = bench.measure(named, variants)
        yield Claim(named, timed, measure="wall", target=Target("faster", 4))
        yield Claim(f"{named}, over its function", timed, against="floor", target=Target("at_most_more", 0.003))
        named = "the same with a new document each time"
        variants = {"ours": Variant("ours", ours.new), "floor": Variant("the invocation alone", ours.invoke)}
        timed = bench.measure(named, variants)
        yield Claim(named, timed, against="floor", target=Target("at_most_more", 0.008))
        named = f"query with {_RESOLVERS} resolvers in JavaScript"
        try:
            node()
        except Unavailable as reason:
            yield Missing(named, str(reason))
            return
        variants = {
            "peer": Variant("ministack as it is, with Node.js", theirs.computed),
            "ours": Variant("ours", ours.computed),
        }
        yield Claim(named, bench.measure(named, variants), measure="wall", target=Target("faster", 5))


@dataclass(frozen=True)
class Api:
    """A deployed API, and clients that stay open."""

    functions: Any
    function: str
    connection: http.client.HTTPConnection
    path: str
    headers: dict[str, str]
    queries: int
    """How many queries a sample has."""
    process_id: int | None

    @classmethod
    def deployed(cls, endpoint: str, queries: int, process_id: int | None = None) -> "Api":
        """Deploy the API to a running emulator; `process_id` is the process whose CPU time is measured."""
        outputs = emulators.deploy(endpoint, _STACK, _template())
        api = outputs["ApiId"]
        appsync = emulators.client("appsync", endpoint)
        key = appsync.create_api_key(apiId=api)["apiKey"]["id"]
        host = urlsplit(endpoint).netloc
        return cls(
            emulators.client("lambda", endpoint),
            outputs["Function"],
            http.client.HTTPConnection(host, timeout=30),
            f"/v1/apis/{api}/graphql",
            {"x-api-key": key, "Content-Type": "application/json"},
            queries,
            process_id,
        )

    def known(self) -> Sample:
        """Send the same query again and again."""
        return self._measured(lambda: self._ask(_QUERY, "note"))

    def new(self) -> Sample:
        """Send queries whose documents were never sent before."""
        numbers = itertools.count(time.time_ns())
        return self._measured(lambda: self._ask(_QUERY.replace("Get", f"Get{next(numbers)}"), "note"))

    def computed(self) -> Sample:
        """Send queries that JavaScript answers without a function."""
        selected = "{ id title body owner version tags }"
        fields = " ".join(f"n{number}: computed(id: $id) {selected}" for number in range(_RESOLVERS))
        return self._measured(lambda: self._ask(f"query Get($id: ID!) {{ {fields} }}", f"n{_RESOLVERS - 1}"))

    def invoke(self) -> Sample:
        """Invoke the function by the API of Lambda."""
        payload = json.dumps({"arguments": {"id": "7"}}).encode()

        def call() -> None:
            answer = self.functions.invoke(FunctionName=self.function, Payload=payload)
            _check(json.loads(answer["Payload"].read()))

        return self._measured(call)

    def _ask(self, query: str, field: str) -> None:
        body = json.dumps({"query": query, "variables": {"id": "7"}})
        self.connection.request("POST", self.path, body, self.headers)
        answer = json.loads(self.connection.getresponse().read())
        if "errors" in answer:
            raise RuntimeError(f"the query failed: {answer['errors']}")
        _check(answer["data"][field])

    def _measured(self, call: Callable[[], None]) -> Sample:
        """The time of one call, as the mean of many: CPU time has a resolution of 10 ms."""
        cpu, began = self._cpu(), time.perf_counter()
        for _ in range(self.queries):
            call()
        wall = (time.perf_counter() - began) / self.queries
        return Sample(wall, (self._cpu() - cpu) / self.queries if self.process_id else None)

    def _cpu(self) -> float:
        """Seconds of CPU time that the emulator's process has taken, without its children."""
        if self.process_id is None:
            return 0.0
        fields = Path(f"/proc/{self.process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _check(note: Any) -> None:
    if note != _EXPECTED:
        raise RuntimeError(f"the answer is {note!r}")


def _template() -> dict[str, Any]:
    api = {"Fn::GetAtt": ["Api", "ApiId"]}
    trust = {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": ["Function", "Arn"]}}
    runtime = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Function": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": _SOURCE},
            },
            "SourceRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [
                        {"PolicyName": "call", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}
                    ],
                },
            },
            "Api": _appsync("GraphQLApi", Name="notes", AuthenticationType="API_KEY"),
            "Schema": _appsync("GraphQLSchema", ApiId=api, Definition=_SCHEMA),
            "Functions": _appsync(
                "DataSource",
                ApiId=api,
                Name="Functions",
                Type="AWS_LAMBDA",
                ServiceRoleArn={"Fn::GetAtt": ["SourceRole", "Arn"]},
                LambdaConfig={"LambdaFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}},
            ),
            "Nothing": _appsync("DataSource", ApiId=api, Name="Nothing", Type="NONE"),
            "Note": _resolver(api, "note", "Functions"),
            "Computed": _resolver(api, "computed", "Nothing", Code=_CODE, Runtime=runtime),
        },
        "Outputs": {"ApiId": {"Value": api}, "Function": {"Value": {"Ref": "Function"}}},
    }


def _appsync(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::AppSync::{kind}", "Properties": properties}


def _resolver(api: dict[str, Any], field: str, source: str, **more: Any) -> dict[str, Any]:
    made = _appsync("Resolver", ApiId=api, TypeName="Query", FieldName=field, DataSourceName=source, **more)
    return {**made, "DependsOn": ["Schema", source]}
