"""Updates the renditions of one key after a change of its object, in an order of steps that is safe at any failure.

1. Read the manifest. If it is of this change or a later one, nothing is rendered.
2. Read the object: after a creation the very object that the event names (by its ETag), after a deletion the object in
   place now, since deleting a version may bring an older one back.
3. Render it, and store the renditions under keys that no manifest names yet.
4. Commit the manifest, by a conditional write that succeeds only over an earlier change.
5. Delete the sets that the manifest supersedes, including those of attempts that lost the race or were killed.

Events may come twice, late, in any order and at the same time, and an attempt may be killed between any two steps. Once
every event has been handled, the manifest shows the newest object, and no other rendition is left.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from image_renditions import Rendered
from rendition_store import LONGEST_KEY, CommitContended, Found, Manifest, RenditionStore, new_set
from source_object import SourceObject, open_source

from blueprints_shared.images import InvalidImage
from blueprints_shared.s3_events import ObjectChange, is_newer

Result = Literal["rendered", "rejected", "deleted", "unchanged", "superseded"]
_RESULTS: dict[str, Result] = {"ready": "rendered", "rejected": "rejected", "deleted": "deleted"}
_KEEP_ATTEMPTS = 5


class Outcome(NamedTuple):
    """The result of a change, and the manifest in place (None if the object is gone and its deletion will follow)."""

    result: Result
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class RenditionUpdater:
    """Updates renditions. `render` turns an image's bytes into renditions or raises InvalidImage."""

    s3: Any
    store: RenditionStore
    render: Callable[[bytes], Rendered]
    output_format: str
    max_bytes: int

    def update(self, change: ObjectChange) -> Outcome:
        """Bring the renditions bucket up to date with one change of one key. Safe to repeat."""
        for _ in range(_KEEP_ATTEMPTS):
            found = self.store.read_manifest(change.key)
            if found.manifest and _is_handled(change, found.manifest):
                self.store.delete_superseded(found.manifest)
                later = is_newer(found.manifest.sequencer, change.sequencer)
                return Outcome("superseded" if later else "unchanged", found.manifest)
            outcome = self._update(change, found)
            if outcome:
                return outcome
        raise CommitContended(f"the manifest of {change.key!r} changed {_KEEP_ATTEMPTS} times in a row")

    def _update(self, change: ObjectChange, found: Found) -> Outcome | None:
        """Handle a change that is later than the manifest; None if the manifest changed meanwhile."""
        source = open_source(self.s3, change)
        if source is None:
            if change.kind == "created":
                return Outcome("superseded", found.manifest)
            return self._commit(Manifest(change.key, "deleted", change.sequencer), found)
        with closing(source.body):
            if change.kind == "deleted" and found.manifest and source.is_source_of(found.manifest):
                return self._keep(found.manifest, change, found)
            return self._commit(self._make(change, source), found)

    def _make(self, change: ObjectChange, source: SourceObject) -> Manifest:
        """Render the source and store its renditions, or record why that is not possible."""
        described = source.describe()
        try:
            if (length := len(change.key.encode())) > LONGEST_KEY:
                raise InvalidImage("key-too-long", f"the key has {length} bytes; the limit is {LONGEST_KEY}")
            rendered = self.render(source.read(self.max_bytes))
        except InvalidImage as error:
            reason = {"code": error.code, "reason": str(error)}
            return Manifest(change.key, "rejected", change.sequencer, described, **reason)
        set_name = new_set(source.etag, change.sequencer)
        entries = self.store.write_set(change.key, set_name, rendered.renditions, self.output_format)
        described = described._replace(kind=rendered.kind, width=rendered.width, height=rendered.height)
        return Manifest(change.key, "ready", change.sequencer, described, set_name, entries)

    def _commit(self, manifest: Manifest, found: Found) -> Outcome:
        committed = self.store.commit(manifest, found)
        self.store.delete_superseded(committed)
        return Outcome(_RESULTS[manifest.state] if committed == manifest else "superseded", committed)

    def _keep(self, manifest: Manifest, change: ObjectChange, found: Found) -> Outcome | None:
        """The manifest shows the object in place: only its sequencer changes, and nothing is rendered."""
        kept = manifest._replace(sequencer=change.sequencer)
        if kept.supersedes(manifest) and not self.store.replace(kept, found):
            return None
        self.store.delete_superseded(kept)
        return Outcome("unchanged", kept)


def _is_handled(change: ObjectChange, manifest: Manifest) -> bool:
    """Whether the manifest is of this change or a later one.

    Deletions by a lifecycle rule may share a sequencer, so a deletion is looked at again unless the key is deleted.
    """
    if is_newer(change.sequencer, manifest.sequencer):
        return False
    return change.kind == "created" or manifest.state == "deleted" or is_newer(manifest.sequencer, change.sequencer)
