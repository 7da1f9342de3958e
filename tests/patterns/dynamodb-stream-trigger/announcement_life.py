"""Simulates Announce: every change is announced with its own id, in the order of its key."""

import inspect
import json

from change_simulation import Life
from event_bus import EventBus
from handler_versions import seen_by
from rejected_records import RejectedRecords
from unreliable_services import Events, Receiver
from webhook import Webhook

from blueprints_shared.http_post import NoResponse, Response

KEY = b"k" * 32


class Announcing(Life):
    """One schedule of Announce. With `bus`, it announces on the event bus instead of a webhook."""

    function = "announce"

    def __init__(self, seed, *, bus=False, **kind):
        super().__init__(seed, **kind)
        self.bus = bus
        self.receiver = (
            Events(self.network, self._refuses, lambda: self.random.random() < self.trouble)
            if bus
            else Receiver(self.network, KEY, self._refuses, self._busy)
        )
        self.webhook = None if bus else Webhook(lambda *given: self.receiver.post(*given), lambda: [KEY])

    def _refuses(self, message):
        return not self.taught and '"unwelcome"' in json.dumps(message["data"]["new"])

    def _busy(self):
        kind = self.random.choice(("unreachable", 429, 503))
        if kind == "unreachable":
            raise NoResponse("nobody there")
        return Response(kind, {"retry-after": self.random.choice(("1", "3600"))}, b"")

    def invoke(self, event, context, version):
        """Invoke the handler once."""
        with seen_by("announce", version) as module:
            module.receiver = EventBus(self.receiver) if self.bus else self.webhook
            module.rejected_records = RejectedRecords(lambda: self.s3, "failures", "announce")
            return inspect.unwrap(module.handler)(event, context)

    def arrived(self, change):
        return change.id in self.receiver.ids

    def check_that_nothing_is_lost(self):
        super().check_that_nothing_is_lost()
        self.check_what_is_there()

    def check_what_is_there(self):
        """Check ids, equal content, and the order of each key, except for changes that were given up or rejected."""
        self.excused |= self._rejected()
        by_id, first, last = {change.id: change for change in self.changes}, {}, {}
        for each, body in self.receiver.taken:
            assert each in by_id, f"no change has the id {each}"
            assert first.setdefault(each, body) == body, f"{each} was announced with different content"
        for each, body in first.items():
            data, change = json.loads(body)["data"], by_id[each]
            assert (data["sequence_number"], data["keys"]["pk"]) == (change.number, change.name)
            if not self.bus and each not in self.excused:
                stream, number = change.place
                assert last.get((stream, change.name), 0) < number, f"{each} came after {last}"
                last[stream, change.name] = number

    def snapshot(self):
        return dict(self.receiver.taken)
