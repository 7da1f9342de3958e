"""One file per comparison: its TITLE, and `compare(bench)`, which measures and returns its claims."""
