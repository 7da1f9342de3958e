"""How fast, and how that is known: every speed is a ratio out of one interleaved run of a peer, ours and a floor.

    comparisons/  one file per comparison; a new file is a new comparison
    against/      the same for comparisons with another commit of this project
    trees         the working trees that those compare
    harness       runs the ways of doing a thing in turn
    claims        what is claimed of them, and whether it was reached
    processes     a way in a fresh process: wall time, CPU time, peak memory
    peers         other projects' tools, each in an environment of its own in the cache
    report        results as JSON and as the Markdown table of docs/speed.md

These are no tests: what a machine makes of them is reported, and only a comparison that breaks is a failure.
"""
