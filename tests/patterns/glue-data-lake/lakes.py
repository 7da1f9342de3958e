"""A lake of either engine for tests: runs it on objects, and reads the tables."""

from order_rows import options, read


class SparkLake:
    """Tables in a folder, which the job writes."""

    engine = "spark"

    def __init__(self, job, spark, database):
        self.module, self.spark, self.database = job, spark, database

    def another(self):
        return SparkLake(self.module, self.spark, f"{self.database}b")

    def create_tables(self):
        self.module.create_tables(self.spark, self.database)

    def curate(self, run_id, objects, day="2026-11-27"):
        """Run the job on objects, given as their contents by name; return its report."""
        raw = self.spark.createDataFrame(read(objects), self.module.RAW_SCHEMA)
        return self.module.curate(self.spark, raw, len(objects), options(run_id, day), self.database)

    def rows(self, table, columns):
        """The rows of a table, sorted; points in time as microseconds since 1970."""
        times = {name for name in columns if name.endswith("_at")}
        selected = ", ".join(f"unix_micros({name})" if name in times else name for name in columns)
        return in_order(self.spark.sql(f"SELECT {selected} FROM {self.database}.{table}").collect())

    def orders(self, *columns):
        return self.rows("orders", columns or ("order_id", "updated_at", "amount", "order_date"))

    def quarantined(self):
        return self.rows("quarantine", ("run_id", "source_key", "line", "reason"))


class LambdaLake(SparkLake):
    """Tables in the Glue catalog, which the function writes."""

    engine = "lambda"

    def __init__(self, small, database):
        self.module, self.database = small, database
        self.catalog.iceberg.create_namespace(database)

    @property
    def catalog(self):
        """A catalog as each invocation makes it."""
        return self.module.Catalog(self.module.glue_catalog(), "s3://lake/warehouse", self.database)

    def another(self):
        return LambdaLake(self.module, f"{self.database}b")

    def create_tables(self):
        self.module.create_tables(self.catalog)

    def curate(self, run_id, objects, day="2026-11-27"):
        return self.module.curate(self.catalog, read(objects), len(objects), options(run_id, day))

    def rows(self, table, columns):
        found = self.catalog.load(table).scan(selected_fields=columns).to_arrow().select(columns)
        for number, name in enumerate(columns):
            if name.endswith("_at"):
                found = found.set_column(number, name, found[name].cast("int64"))
        return in_order(zip(*(column.to_pylist() for column in found.columns), strict=True))


def in_order(rows):
    """Rows as tuples, sorted; no value comes before any value."""
    return sorted(map(tuple, rows), key=lambda row: [(value is not None, value) for value in row])
