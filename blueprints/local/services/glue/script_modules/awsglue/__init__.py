"""Stands in for Glue's module `awsglue`: its arguments work, its DynamicFrames do not."""
