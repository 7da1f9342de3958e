"""A record such as your producers send. Deployments test a new version with it before it gets traffic.

It is not in transform.py, so that deployment hooks do not need what a transform imports or reads at start.
"""

SAMPLE = b'{"event_id": "sample", "type": "order_placed", "total": 12.5}'
