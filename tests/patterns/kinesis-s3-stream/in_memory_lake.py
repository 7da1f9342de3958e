"""An S3 in memory that fails, dies and delays on request: the calls that storing and replaying batches make."""

import hashlib
import io

from botocore.exceptions import ClientError


class Died(BaseException):
    """The process was killed. A BaseException, so that no code of the process handles it."""


def s3_error(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "S3")


class InMemoryLake:
    """Buckets, as dictionaries of keys to contents. `fate(call)` returns what happens to a call:

    "go"; "refuse": S3 responds with 503; "lose": the call takes effect, and S3 responds with 500; "die before" and "die
    after": the process is killed around the call; "late": killed, and the request takes effect when `land()` is called.
    """

    def __init__(self, fate=lambda call: "go"):
        self.buckets = {}
        self.fate = fate
        self._under_way = []

    def keys(self, bucket):
        return self.buckets.setdefault(bucket, {})

    def land(self):
        """Let the late requests of killed processes take effect; nobody receives the responses."""
        under_way, self._under_way = self._under_way, []
        for effect in under_way:
            try:
                effect()
            except ClientError:
                continue

    def head_object(self, *, Bucket, Key):
        def effect():
            if Key not in self.keys(Bucket):
                raise s3_error("404", 404)
            return {"ETag": self._etag(Bucket, Key)}

        return self._call("head", effect)

    def get_object(self, *, Bucket, Key):
        def effect():
            if Key not in self.keys(Bucket):
                raise s3_error("NoSuchKey", 404)
            return {"Body": io.BytesIO(self.keys(Bucket)[Key]), "ETag": self._etag(Bucket, Key)}

        return self._call("get", effect)

    def put_object(self, *, Bucket, Key, Body, IfMatch=None, IfNoneMatch=None, **_):
        def effect():
            self._check(Bucket, Key, IfMatch)
            if IfNoneMatch and Key in self.keys(Bucket):
                raise s3_error("PreconditionFailed", 412)
            self.keys(Bucket)[Key] = bytes(Body)
            return {"ETag": self._etag(Bucket, Key)}

        return self._call("put", effect)

    def copy_object(self, *, Bucket, Key, CopySource, CopySourceIfMatch):
        def effect():
            self._check(CopySource["Bucket"], CopySource["Key"], CopySourceIfMatch)
            self.keys(Bucket)[Key] = self.keys(CopySource["Bucket"])[CopySource["Key"]]

        return self._call("copy", effect)

    def delete_object(self, *, Bucket, Key, IfMatch=None):
        def effect():
            self._check(Bucket, Key, IfMatch)
            self.keys(Bucket).pop(Key, None)

        return self._call("delete", effect)

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket, Prefix):
        found = self._call(
            "list", lambda: [{"Key": key} for key in sorted(self.keys(Bucket)) if key.startswith(Prefix)]
        )
        return iter([{"Contents": found[:2]}, {"Contents": found[2:]}] if found else [{}])

    def _check(self, bucket, key, etag):
        if etag and key not in self.keys(bucket):
            raise s3_error("NoSuchKey", 404)
        if etag and etag != self._etag(bucket, key):
            raise s3_error("PreconditionFailed", 412)

    def _etag(self, bucket, key):
        return f'"{hashlib.md5(self.keys(bucket)[key]).hexdigest()}"'

    def _call(self, call, effect):
        fate = self.fate(call)
        if fate == "die before":
            raise Died
        if fate == "refuse":
            raise s3_error("SlowDown", 503)
        if fate == "late" and call in ("put", "delete", "copy"):
            self._under_way.append(effect)
            raise Died
        answer = effect()
        if fate == "lose":
            raise s3_error("InternalError", 500)
        if fate == "die after":
            raise Died
        return answer


class Paused(BaseException):
    """Ends a step of an attempt."""


class Overtaken:
    """An attempt that runs on after Lambda has given it up: it sends one request to S3 with each `step`.

    `attempt` takes an S3. Each step runs it again from the beginning, with the responses that it received so far.
    """

    def __init__(self, s3, attempt):
        self._s3, self._attempt = s3, attempt
        self._answers = []
        self.done = False

    def step(self):
        """Run the attempt up to the request after the next one."""
        self._replayed, self._asked = 0, False
        try:
            self._attempt(self)
        except Paused:
            return
        self.done = True

    def __getattr__(self, name):
        def request(**given):
            if self._replayed == len(self._answers):
                if self._asked:
                    raise Paused
                self._asked = True
                self._answers.append(self._outcome(getattr(self._s3, name), given))
            answer = self._answers[self._replayed]
            self._replayed += 1
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return request

    def _outcome(self, call, given):
        try:
            return call(**given)
        except (ClientError, Died) as error:
            return error
