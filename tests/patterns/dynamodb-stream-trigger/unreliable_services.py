"""Fakes of S3, the Data API, a webhook receiver and the event bus that fail, delay and kill the caller on demand."""

import hashlib
import hmac
import io
import json

from botocore.exceptions import ClientError
from webhook import signature

from blueprints_shared.http_post import NoResponse, Response


class Died(BaseException):
    """The process was killed; nothing in it handles this."""


class Network:
    """All calls go through the network; `fate(call)` decides what happens.

    "go": it succeeds; "refuse": it has no effect and fails; "lose": it has its effect and fails; "die before", "die
    after": the process is killed; "late": the process is killed, and the call has its effect at `land()`.
    """

    def __init__(self, fate=lambda call: "go"):
        self.fate = fate
        self.dead = False  # the caller was killed: its further calls have no effect
        self._under_way = []

    def land(self):
        """Let the late calls of killed processes have their effect."""
        under_way, self._under_way = self._under_way, []
        for effect in under_way:
            try:
                effect()
            except ClientError:
                continue

    def call(self, name, effect, refusal, loss, *, delayable=True):
        """Call `effect` as fate decides; `refusal` and `loss` raise or return what the caller gets instead."""
        fate = "die before" if self.dead else self.fate(name)
        if fate == "late" and delayable:
            self._under_way.append(effect)
        if fate in ("die before", "late"):
            self._die()
        if fate == "refuse":
            return refusal()
        answer = effect()
        if fate == "die after":
            self._die()
        return loss() if fate == "lose" else answer

    def _die(self):
        self.dead = True
        raise Died


def raising(make):
    def raised():
        raise make()

    return raised


def aws_error(code, message=""):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


class S3:
    """The objects of one bucket, by key."""

    def __init__(self, network):
        self._network = network
        self.objects = {}

    def put_object(self, *, Bucket, Key, Body, IfMatch=None, **_):
        def effect():
            if IfMatch and self._found(Key)["ETag"] != IfMatch:
                raise aws_error("PreconditionFailed")
            self.objects[Key] = bytes(Body)
            return {"ETag": self._found(Key)["ETag"]}

        return self._call("put", effect)

    def get_object(self, *, Bucket, Key):
        return self._call("get", lambda: self._found(Key), delayable=False)

    def delete_object(self, *, Bucket, Key, IfMatch):
        def effect():
            if self._found(Key)["ETag"] != IfMatch:
                raise aws_error("PreconditionFailed")
            del self.objects[Key]

        self._call("delete", effect)

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket, Prefix):
        found = self._call(
            "list", lambda: [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)], delayable=False
        )
        return [{"Contents": found[:3]}, {"Contents": found[3:]}, {}]

    def _found(self, key):
        if key not in self.objects:
            raise aws_error("NoSuchKey")
        etag = hashlib.md5(self.objects[key]).hexdigest()
        return {"Body": io.BytesIO(self.objects[key]), "ETag": etag}

    def _call(self, name, effect, **options):
        refused, lost = raising(lambda: aws_error("SlowDown")), raising(lambda: aws_error("InternalError"))
        return self._network.call(name, effect, refused, lost, **options)


class DataApi:
    """The Data API of a database; `refusal()` is the code of its error."""

    def __init__(self, network, database, refusal):
        self._network, self._database = network, database
        self._refusal = raising(lambda: aws_error(refusal()))
        self._loss = raising(lambda: aws_error("InternalServerErrorException"))

    def execute_statement(self, **request):
        return self._call("statement", lambda: self._database.execute_statement(**request))

    def begin_transaction(self, **request):
        return self._call("begin", lambda: self._database.begin_transaction(**request), delayable=False)

    def commit_transaction(self, **request):
        return self._call("commit", lambda: self._database.commit_transaction(**request))

    def rollback_transaction(self, **request):
        return self._call("rollback", lambda: self._database.rollback_transaction(**request), delayable=False)

    def _call(self, name, effect, **options):
        return self._network.call(name, effect, self._refusal, self._loss, **options)


class Receiver:
    """Accepts webhooks that are signed with `key`; `refuses(message)` decides which it refuses permanently."""

    def __init__(self, network, key, refuses, busy):
        self._network, self._key, self._refuses, self._busy = network, key, refuses, busy
        self.taken, self.ids = [], set()  # (id, body) in the order they came

    def post(self, headers, body, deadline):
        """Post like http_post.Endpoint."""
        lost = raising(lambda: NoResponse("the connection broke"))
        return self._network.call("post", lambda: self._take(headers, body), self._busy, lost)

    def _take(self, headers, body):
        expected = signature(self._key, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        if not hmac.compare_digest(expected, headers["webhook-signature"]):
            return Response(401, {}, b"")
        if self._refuses(json.loads(body)):
            return Response(422, {}, b"unwelcome")
        self.taken.append((headers["webhook-id"], body))
        self.ids.add(headers["webhook-id"])
        return Response(204, {}, b"")


class Events:
    """The event bus. `entry_fails()` decides whether one entry of a request fails temporarily."""

    def __init__(self, network, refuses, entry_fails):
        self._network, self._refuses, self._entry_fails = network, refuses, entry_fails
        self.taken, self.ids = [], set()

    def put_events(self, Entries):
        lost, refused = raising(lambda: aws_error("InternalFailure")), raising(lambda: aws_error("ThrottlingException"))
        return self._network.call(
            "put_events", lambda: {"Entries": [self._take(each) for each in Entries]}, refused, lost
        )

    def _take(self, entry):
        message = json.loads(entry["Detail"])
        if self._refuses(message):
            return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "unwelcome"}
        if self._entry_fails():
            return {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        self.taken.append((message["id"], entry["Detail"].encode()))
        self.ids.add(message["id"])
        return {"EventId": "x"}
