"""A small job that loads the classes most jobs load: CSV, SQL, Parquet, and a MERGE into an Iceberg table."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.functions import expr


def main(folder: Path) -> None:
    """Run it with its files in a folder."""
    catalog = "spark.sql.catalog.training"
    spark = (
        SparkSession.builder.config(
            "spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        )
        .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{catalog}.type", "hadoop")
        .config(f"{catalog}.warehouse", str(folder / "tables"))
        .getOrCreate()
    )
    rows = folder / "rows.csv"
    rows.write_text("id,day,amount\n1,2026-01-01,1.50\n2,2026-01-02,2.50\n2,2026-01-02,x\n", encoding="utf-8")
    frame = spark.read.csv(str(rows), header=True, schema="id string, day date, amount string, bad string")
    frame = frame.withColumn("amount", expr("try_cast(amount as decimal(12,2))")).where("amount is not null")
    frame = frame.dropDuplicates(["id"]).cache()
    frame.createOrReplaceTempView("incoming")
    spark.sql(
        "CREATE TABLE training.db.rows (id string, day date, amount decimal(12,2)) USING iceberg PARTITIONED BY (day)"
    )
    for _ in range(2):
        spark.sql(
            "MERGE INTO training.db.rows t USING (SELECT id, day, amount FROM incoming) s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )
    spark.sql("SELECT day, sum(amount) FROM training.db.rows GROUP BY day ORDER BY day").collect()
    frame.write.mode("overwrite").parquet(str(folder / "parquet"))
    spark.read.parquet(str(folder / "parquet")).count()
    spark.read.schema("id string").json(spark.sparkContext.parallelize(['{"id": "1"}'])).count()
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
