"""Kinesis: retention, consumers with enhanced fan-out, records without partition key."""
