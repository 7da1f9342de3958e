"""Handing events on: asynchronously, from S3 and EventBridge, with permission, retries and dead letters."""
