"""Accepts records into a Kinesis stream without examining all that it holds.

The base emulator looks for expired records before each put and each read, in every record of every shard: the more a
stream has taken, the slower it takes. Records lie in the order of their arrival: while the first may stay, all may.
"""

import time
from typing import Any

from blueprints.local.base.internals import Internal

EXPIRE = Internal("services.kinesis", "_expire_records", ("stream",))


def install() -> None:
    """Have the base emulator look for expired records only where there are any."""
    expire_all = EXPIRE.current()

    def expire(stream: dict[str, Any]) -> None:
        oldest_kept = time.time() - stream["RetentionPeriodHours"] * 3600
        firsts = (shard["records"][0] for shard in stream["shards"].values() if shard["records"])
        if any(record["ApproximateArrivalTimestamp"] < oldest_kept for record in firsts):
            expire_all(stream)

    EXPIRE.replace(expire)
