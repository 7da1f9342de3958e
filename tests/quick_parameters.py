"""Parameters with which a pattern's demo takes less time, for tests that play it once more than its own tests do."""

QUICK: dict[str, dict[str, str]] = {
    # A function curates the orders in place of Spark, whose start takes most of the time of a run.
    "glue-data-lake": {"SmallRunMegabytes": "1"},
}
