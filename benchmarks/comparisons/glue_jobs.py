"""A Glue job from its start to a merged row: with the embedded AWS's settings of Spark, and with Spark's defaults.

Both have the same script, Java, Python, Spark and jars. Ours has the settings and the archive of classes with which the
embedded AWS runs jobs; the peer has `spark.jars` alone. CPU time and peak memory are those of Python and of the JVM
together, until the merged row was read back.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from blueprints.errors import BlueprintError
from blueprints.packaging.spark import SparkEnvironment, glue_version, spark_environment
from blueprints.packaging.spark.settings import as_properties, base_settings, process_environment

TITLE = "A Glue job on Spark"

_SCRIPT = ROOT / "benchmarks" / "spark_merge.py"
_CASE = "from the start of a job to a row that is merged into Iceberg"


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the CPU time against Spark's defaults, and the peak memory."""
    if not Path("/proc/self/status").exists():
        yield Missing(_CASE, "this system does not tell what a JVM takes")
        return
    try:
        spark = spark_environment(glue_version("5.1"), bench.progress)
    except BlueprintError as error:
        yield Missing(_CASE, str(error))
        return
    bench.uses("Spark", spark.version.spark)
    bench.uses("Java", spark.java.version)
    variants = {
        "peer": Variant("Spark's defaults", lambda: _run(spark, is_ours=False)),
        "ours": Variant("ours", lambda: _run(spark, is_ours=True)),
    }
    timed = bench.measure(_CASE, variants, rounds=1 if bench.quick else 3, warm_up=False)
    yield Claim(_CASE, timed, target=Target("faster", 1 / 0.35))
    yield Claim(f"{_CASE}: peak memory", timed, measure="peak", target=Target("at_most", 700))


def _run(spark: SparkEnvironment, *, is_ours: bool) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        properties = work / "spark.conf"
        own = base_settings(spark.jars, [f"-XX:SharedArchiveFile={spark.class_data}", "-Xshare:auto"], work)
        settings = own if is_ours else {"spark.jars": ",".join(map(str, spark.jars))}
        properties.write_text(as_properties(settings), encoding="utf-8")
        environment = process_environment(spark.java, spark.interpreter, spark.packages, properties, work)
        return Sample(**run_for_json([spark.interpreter.path, _SCRIPT, work], cwd=work, env=environment))
