"""Benchmarks: every speed is a ratio measured in one interleaved run of a peer, ours and a floor.

    comparisons/  one file per comparison; a new file is a new comparison
    against/      the same for comparisons with another commit of this project
    trees         makes the clean working tree of that commit
    harness       runs the variants of a comparison in turn
    claims        ratios of what was measured, and their targets
    processes     runs a variant in a new process: wall time, CPU time, peak memory
    peers         installs other projects' tools into the cache
    report        writes results as JSON and as the tables of docs/speed.md
    jsonata_suite runs JSONata's own test suite, from a clone of its repository

Benchmarks are not tests: a target that is missed is reported, and only a comparison that raises an error fails.
"""
