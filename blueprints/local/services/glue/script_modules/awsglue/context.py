"""Refuses what does not run here."""

raise ImportError(
    "awsglue.context is not emulated: GlueContext, Job and DynamicFrame do not run outside Glue. Use "
    "SparkSession.builder.getOrCreate() and DataFrames, which run here and on Glue."
)
