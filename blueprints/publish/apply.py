"""Carries out a plan, and nothing else: content, then the version, then metadata, then sharing."""

from collections.abc import Callable

from blueprints.publish.bucket import Bucket
from blueprints.publish.plan import CREATE, SHARE, UPDATE, VERSION, Plan
from blueprints.publish.repository import Repository

Progress = Callable[[str], None]


def apply(plan: Plan, repository: Repository, bucket: Callable[[], Bucket | None], progress: Progress) -> str | None:
    """Every call of the plan in its order; returns the application's ARN. Raises Conflict when someone was faster.

    A version appears whole or not at all, and what describes it is changed after it: stopping anywhere leaves nothing
    half-published, and the next plan holds what is left.
    """
    for upload in plan.uploads:
        place = bucket()
        if not upload.present and place is not None:
            progress(f"uploading {upload.key[:12]}… ({upload.size / 2**20:.1f} MB)")
            place.put(upload.key, upload.sha256, upload.read)
    arn = plan.arn
    for action in plan.actions:
        progress(action.call)
        if action.call == CREATE:
            arn = repository.create(action.request)
            continue
        assert arn is not None
        {VERSION: repository.add_version, UPDATE: repository.update, SHARE: repository.share}[action.call](
            arn, action.request
        )
    return arn
