"""A record as your producers send it. Deployments put it through a new version before that gets traffic.

It is apart from transform.py, so that the deployment hooks need not have what a transform imports or reads at start.
"""

SAMPLE = b'{"event_id": "sample", "type": "order_placed", "total": 12.5}'
