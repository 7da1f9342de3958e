"""An S3 in memory that fails, dies and delays on request: the calls that the steps of a run make."""

import hashlib
import io

from botocore.exceptions import ClientError


class Died(BaseException):
    """The process was killed. A BaseException, so that no code of the process handles it."""


def s3_error(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "S3")


class InMemoryLake:
    """Objects as a dictionary of keys to contents. `fate()` returns what happens to a call:

    "go"; "refuse": S3 responds with 503; "lose": the call takes effect, and S3 responds with 500; "die before" and "die
    after": the process is killed around the call; "late": killed, and the request takes effect when `land()` is called.
    `check(key, condition)` is called before each write.
    """

    def __init__(self, fate, check):
        self.objects, self.fate, self.check = {}, fate, check
        self._under_way = []

    def etag(self, key):
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'

    def land(self):
        """Let the late requests of killed processes take effect; nobody receives the responses."""
        under_way, self._under_way = self._under_way, []
        for effect in under_way:
            try:
                effect()
            except ClientError:
                continue

    def get_object(self, *, Bucket, Key, IfMatch=None):
        def effect():
            if Key not in self.objects:
                raise s3_error("NoSuchKey", 404)
            if IfMatch not in (None, self.etag(Key)):
                raise s3_error("PreconditionFailed", 412)
            return {"Body": io.BytesIO(self.objects[Key]), "ETag": self.etag(Key)}

        return self._call(effect)

    def put_object(self, *, Bucket, Key, Body, IfMatch=None, IfNoneMatch=None):
        content = Body if isinstance(Body, bytes) else Body.read()

        def effect():
            if IfNoneMatch and Key in self.objects:
                raise s3_error("PreconditionFailed", 412)
            if IfMatch and (Key not in self.objects or IfMatch != self.etag(Key)):
                raise s3_error("PreconditionFailed", 412)
            self.check(Key, content, IfNoneMatch or IfMatch)
            self.objects[Key] = content

        return self._call(effect, may_be_late=True)

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket, Prefix):
        def effect():
            listed = ((key, content) for key, content in sorted(self.objects.items()) if key.startswith(Prefix))
            return [{"Key": key, "ETag": self.etag(key), "Size": len(content)} for key, content in listed]

        found = self._call(effect)
        return iter([{"Contents": found[:2]}, {"Contents": found[2:]}] if found else [{}])

    def _call(self, effect, *, may_be_late=False):
        fate = self.fate()
        if fate == "die before":
            raise Died
        if fate == "refuse":
            raise s3_error("SlowDown", 503)
        if fate == "late" and may_be_late:
            self._under_way.append(effect)
            raise Died
        answer = effect()
        if fate == "lose":
            raise s3_error("InternalError", 500)
        if fate == "die after":
            raise Died
        return answer
