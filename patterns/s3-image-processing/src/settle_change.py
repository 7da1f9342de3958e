"""Settling one change of the source bucket: the order of steps that keeps the renditions true.

1. Read the manifest. If it is of this change or a later one, there is nothing to make.
2. Read the source: for a creation the very object the event tells of (its ETag), for a deletion whatever is there now,
   since deleting a version may bring an older one back.
3. Make the renditions and store them, where nobody looks yet.
4. Commit the manifest: by a conditional write, and only over an earlier change.
5. Remove the sets that the manifest in place has superseded, those of attempts that lost or died included.

Events may come twice, late, in any order and at once, and an attempt may die between any two steps: once every event
has been settled, the manifest shows the newest object and no other rendition is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from image_rejections import Rejected
from image_renditions import Rendered
from rendition_store import CommitContended, Found, Manifest, RenditionStore, Source, longest_key, new_set
from source_object import SourceObject, open_source

from blueprints_shared.s3_events import ObjectChange, is_newer

Verdict = Literal["rendered", "rejected", "deleted", "unchanged", "superseded"]
_TOUCH_ATTEMPTS = 5


class Outcome(NamedTuple):
    """What came of a change; `manifest` is the one in place (None when the source is gone and its deletion to come)."""

    verdict: Verdict
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles changes; `render` turns an image's bytes into renditions or raises Rejected."""

    s3: Any
    store: RenditionStore
    render: Callable[[bytes], Rendered]
    output_format: str
    max_bytes: int

    def settle(self, change: ObjectChange) -> Outcome:
        """Make the renditions bucket true for one change of one key; safe to repeat."""
        for _ in range(_TOUCH_ATTEMPTS):
            found = self.store.read_manifest(change.key)
            if found.manifest and _is_settled(change, found.manifest):
                self.store.remove_superseded(found.manifest)
                return Outcome(_verdict_of_settled(change, found.manifest), found.manifest)
            outcome = self._settle_over(change, found)
            if outcome:
                return outcome
        raise CommitContended(f"the manifest of {change.key!r} changed {_TOUCH_ATTEMPTS} times in a row")

    def _settle_over(self, change: ObjectChange, found: Found) -> Outcome | None:
        """Settle a change that `found` does not know of; None when the manifest changed and all is to be seen anew."""
        if change.kind == "created" and len(change.key.encode()) > longest_key():
            return self._commit(_rejected(change, None, _too_long(change)), found)
        source = open_source(self.s3, change)
        if source is None:
            if change.kind == "created":
                return Outcome("superseded", found.manifest)
            return self._commit(Manifest(change.key, "deleted", change.sequencer), found)
        with source:
            if change.kind == "deleted" and found.manifest and source.matches(found.manifest.source):
                return self._keep(change, found)
            return self._commit(self._make(change, source), found)

    def _make(self, change: ObjectChange, source: SourceObject) -> Manifest:
        """Render the source into a set that nobody sees yet, or say why it cannot be."""
        try:
            if len(change.key.encode()) > longest_key():
                raise _too_long(change)
            rendered = self.render(source.read(self.max_bytes))
        except Rejected as rejection:
            return _rejected(change, source.describe(), rejection)
        set_name = new_set(source.etag, change.sequencer)
        entries = self.store.write_set(change.key, set_name, rendered.renditions, self.output_format)
        seen = source.describe()._replace(kind=rendered.kind, width=rendered.width, height=rendered.height)
        return Manifest(change.key, "ready", change.sequencer, seen, set_name, entries)

    def _commit(self, manifest: Manifest, found: Found) -> Outcome:
        standing = self.store.commit(manifest, found)
        self.store.remove_superseded(standing)
        return Outcome(_VERDICTS[manifest.state] if standing == manifest else "superseded", standing)

    def _keep(self, change: ObjectChange, found: Found) -> Outcome | None:
        """The object in place is the one the manifest shows: only its sequencer moves on, nothing is rendered."""
        assert found.manifest
        kept = found.manifest._replace(sequencer=change.sequencer)
        if kept.outranks(found.manifest) and not self.store.replace(kept, found):
            return None
        self.store.remove_superseded(kept)
        return Outcome("unchanged", kept)


_VERDICTS: dict[str, Verdict] = {"ready": "rendered", "rejected": "rejected", "deleted": "deleted"}


def _is_settled(change: ObjectChange, manifest: Manifest) -> bool:
    """Whether the manifest is of this change or a later one.

    Deletions by lifecycle rules may share a sequencer, so one that a deletion's twin settled is looked at again.
    """
    if is_newer(change.sequencer, manifest.sequencer):
        return False
    return change.kind == "created" or manifest.state == "deleted" or is_newer(manifest.sequencer, change.sequencer)


def _verdict_of_settled(change: ObjectChange, manifest: Manifest) -> Verdict:
    return "superseded" if is_newer(manifest.sequencer, change.sequencer) else "unchanged"


def _rejected(change: ObjectChange, source: Source | None, rejection: Rejected) -> Manifest:
    return Manifest(change.key, "rejected", change.sequencer, source, code=rejection.code, reason=str(rejection))


def _too_long(change: ObjectChange) -> Rejected:
    size = len(change.key.encode())
    return Rejected("key-too-long", f"the key has {size} bytes; {longest_key()} leave room for the renditions' keys")
