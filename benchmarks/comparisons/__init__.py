"""Comparisons with other projects' tools: each file has a `TITLE`, and a `compare(bench)` that yields claims."""
