"""Random schedules of users who change images, of events, and of invocations that interleave, fail and are killed."""

import random
import re
import threading
from types import SimpleNamespace
from unittest import mock

import rendition_store
from in_memory import IMAGES, NO_IMAGE, Bucket, InMemoryS3, change, s3_error, updater
from rendition_store import Manifest, manifest_key

# The second key lies where the first one keeps its sets of renditions.
KEYS = ("k", f"k/{Bucket().put('', IMAGES[0]).etag}")
ACTIONS = ("put", "put", "put", "delete", "delete a version", "expire")
FAULTS = ("conflict", "killed before", "killed after", "failed", "response lost")


class Killed(BaseException):
    """The process was killed: nothing in it runs any more."""


class Invocation(threading.Thread):
    """One invocation, in a thread that waits before every call to S3 until `step` says what happens to it."""

    def __init__(self, buckets, event, rank, version):
        super().__init__(daemon=True)
        self.buckets, self.event, self.rank, self.version = buckets, event, rank, version
        self.waiting, self.allowed = threading.Semaphore(0), threading.Semaphore(0)
        self.fault, self.call, self.succeeded = None, None, False
        self.start()
        self.waiting.acquire()

    def run(self):
        s3 = InMemoryS3(self.turn)
        s3.buckets = self.buckets
        try:
            updater(s3, self.version).update(self.event)
            self.succeeded = True
        except Killed:
            pass  # Lambda sees a time-out
        except Exception:  # noqa: BLE001 - Lambda reports any error, and retries
            self.succeeded = False
        self.call = None
        self.waiting.release()

    def turn(self, call, effect):
        self.call = call
        self.waiting.release()
        self.allowed.acquire()
        if self.fault == "killed before":
            raise Killed
        if self.fault == "failed":
            raise s3_error("InternalError", 500)
        if self.fault == "conflict" and call == "put if":
            raise s3_error("ConditionalRequestConflict", 409)
        answer = effect()
        if self.fault == "killed after":
            raise Killed
        if self.fault == "response lost":
            raise s3_error("RequestTimeout", 400)
        return answer

    def step(self, fault=None):
        """Let the waiting call happen, with a fault or without; return whether the invocation goes on."""
        self.fault = fault
        self.allowed.release()
        self.waiting.acquire()
        return self.call is not None


class Schedule:
    """Users change the source; events come late, twice and out of order; invocations interleave, fail and are killed.

    Every invocation has a random rank, and the one of the highest rank goes on, until chance gives it the lowest. This
    finds two invocations that meet at just the wrong steps far more often than choosing one at random for each step.

    `changes`: what users do, as (action, key, data); random if it is not given.
    """

    def __init__(self, seed, *, versioned, changes=None):
        self.random = random.Random(seed)
        self.buckets = {"originals": Bucket(versioned), "renditions": Bucket()}
        self.originals = self.buckets["originals"]
        self.changes = list(self.random_changes() if changes is None else changes)
        self.clock = 0
        self.pending, self.handled, self.running = [], [], []

    def random_changes(self):
        for _ in range(self.random.randint(2, 7)):
            key = self.random.choice(KEYS[:1] * 3 + KEYS[1:])
            yield self.random.choice(ACTIONS), key, self.random.choice([*IMAGES, *IMAGES, NO_IMAGE])

    def play(self):
        """Play to the end; raise AssertionError if a promise does not hold."""
        try:
            with mock.patch.object(rendition_store, "time", SimpleNamespace(sleep=lambda _seconds: None)):
                while self.changes or self.pending or self.running:
                    self.advance()
                    self.check_that_every_named_rendition_exists()
            for key in KEYS:
                self.check_the_end(key)
        finally:
            for invocation in self.running:
                invocation.step("killed before")

    def advance(self):
        chance = self.random.random()
        if self.changes and (chance < 0.12 or not self.running):
            self.change(*self.changes.pop(0))
        elif self.pending and len(self.running) < 4 and (chance < 0.25 or not self.running):
            self.invoke(self.pending.pop(self.random.randrange(len(self.pending))))
        elif self.handled and len(self.running) < 4 and chance < 0.28:
            self.invoke(self.random.choice(self.handled))
        elif self.running:
            self.step(max(self.running, key=lambda invocation: invocation.rank))

    def step(self, invocation):
        invocation.step(None if self.random.random() < 0.95 else self.random.choice(FAULTS))
        if self.random.random() < 0.1:
            invocation.rank = min(other.rank for other in self.running) - 1
        self.end_if_done(invocation)

    def invoke(self, event):
        # While a deployment shifts traffic, two versions of the code run; their names differ in length.
        invocation = Invocation(self.buckets, event, self.random.random(), self.random.choice((b"1", b"ten")))
        self.running.append(invocation)
        self.end_if_done(invocation)

    def end_if_done(self, invocation):
        if invocation.call is not None:
            return
        self.running.remove(invocation)
        # What failed is retried: by Lambda, then by a person.
        (self.handled if invocation.succeeded else self.pending).append(invocation.event)

    def change(self, action, key, data):
        """Change the source, and send the events that S3 sends."""
        versions, versioned = self.originals.keys.get(key), self.originals.versioned
        if action == "expire the other":
            # A lifecycle rule expires two versions at one moment: the events share a sequencer.
            self.originals.delete(key)
            self.send(change("deleted", key, data))
            return
        self.clock += 7
        if action == "put":
            stored = self.originals.put(key, data)
            self.send(change("created", key, self.clock, stored.etag))
        elif action == "delete" or not versioned:
            self.originals.delete(key)
            self.send(change("deleted", key, self.clock))
        elif versions:
            versions.pop(self.random.randrange(len(versions)) if action == "delete a version" else 0)
            self.send(change("deleted", key, self.clock))
            if action == "expire":
                self.changes.insert(0, ("expire the other", key, self.clock))

    def send(self, event):
        self.pending += [event] * self.random.choice((1, 1, 2))

    def manifest(self, key):
        stored = self.buckets["renditions"].current(manifest_key(key))
        return Manifest.from_json(stored.data) if stored else None

    def entries(self, key):
        manifest = self.manifest(key)
        return manifest.renditions if manifest else ()

    def check_that_every_named_rendition_exists(self):
        for key in KEYS:
            for entry in self.entries(key):
                stored = self.buckets["renditions"].current(entry.key)
                assert stored, f"{entry.key} is gone, and the manifest names it"
                assert len(stored.data) == entry.bytes, f"{entry.key} was overwritten after it was committed"
                image = stored.data.split(b" by version ")[0]
                assert Bucket().put("", image).etag == self.manifest(key).source.etag

    def check_the_end(self, key):
        stored, manifest = self.originals.current(key), self.manifest(key)
        named = {entry.key for entry in self.entries(key)}
        elsewhere = {entry.key for other in KEYS if other != key for entry in self.entries(other)}
        kept = {name for name in self.buckets["renditions"].keys if re.match(rf"{key}/.*\.webp", name)}
        assert kept - elsewhere == named, "renditions are left that no manifest names"
        if stored is None:
            assert manifest is None or manifest.state == "deleted"
        else:
            assert manifest.state == ("rejected" if stored.data == NO_IMAGE else "ready")
            assert manifest.source.etag == stored.etag


SIMULATIONS = ((Schedule, {"versioned": False}), (Schedule, {"versioned": True}))
