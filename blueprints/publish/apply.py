"""Carries out a plan: uploads content, then publishes the version, then changes metadata, then sharing."""

from collections.abc import Callable

from blueprints.progress import Report
from blueprints.publish.bucket import Bucket
from blueprints.publish.plan import CREATE, SHARE, UPDATE, VERSION, Plan
from blueprints.publish.repository import Repository


def apply(plan: Plan, repository: Repository, bucket: Callable[[], Bucket | None], report: Report) -> str | None:
    """Make every call of the plan, in order; returns the application's ARN.

    A version is published by one call, and its metadata is changed afterwards. So a run that is stopped leaves no part
    of a version, and the next plan has the remaining calls. Raises Conflict if another process was faster.
    """
    for upload in plan.uploads:
        place = bucket()
        if not upload.present and place is not None:
            report(f"uploading {upload.key[:12]}… ({upload.size / 2**20:.1f} MB)")
            place.put(upload.key, upload.sha256, upload.read)
    arn = plan.arn
    for action in plan.actions:
        report(action.call)
        if action.call == CREATE:
            arn = repository.create(action.request)
            continue
        assert arn is not None
        {VERSION: repository.add_version, UPDATE: repository.update, SHARE: repository.share}[action.call](
            arn, action.request
        )
    return arn
