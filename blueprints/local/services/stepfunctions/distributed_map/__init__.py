"""Distributed Map: a Map state whose items are processed by child executions, grouped in a Map Run.

input_formats  items in the bytes of an object: CSV, JSON, JSON Lines, Parquet
item_readers   `ItemReader`: items from a listing, an object, an inventory or a manifest
item_selection  `ItemSelector`: what a child gets of its item
item_batches   `ItemBatcher`: several items per child execution
tolerances     `ToleratedFailureCount` and `ToleratedFailurePercentage`
map_runs       the record of a Map Run and its child executions; the API's operations on it
result_writer  `ResultWriter`: results in S3, and the output of the state
runner         runs the state
"""
