"""Apache Spark for Glue jobs on this machine: its Python packages, its jars and a Java that runs them.

They are large (about 600 MB), so they are no packages of these tools: they are installed into the cache when a Glue job
is first run, and never again.

versions     what each version of Glue consists of
java         finds a Java on this machine, or installs one
jars         downloads the jars with Ivy, which Spark brings
class_data   the JVM's archive of classes, with which Spark starts in half the time
environment  puts it together
"""

from blueprints.packaging.spark.environment import SparkEnvironment, is_prepared, spark_environment
from blueprints.packaging.spark.versions import GLUE_VERSIONS, GlueVersion, glue_version

__all__ = ["GLUE_VERSIONS", "GlueVersion", "SparkEnvironment", "glue_version", "is_prepared", "spark_environment"]
