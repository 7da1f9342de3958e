"""A record like those your producers send. Deployments test a new version with it before it gets traffic.

It is not in transform.py, so that deployment hooks do not need what your transform imports.
"""

SAMPLE = b'{"event_id": "sample", "type": "order_placed", "total": 12.5}'
