"""The versions of Glue that run here, and what each consists of.

Source: AWS Glue User Guide, "AWS Glue versions" and "Migrating AWS Glue for Spark jobs to AWS Glue version 5.1".
"""

from dataclasses import dataclass
from pathlib import Path

from blueprints.errors import BlueprintError


@dataclass(frozen=True)
class Jar:
    """An artifact of Maven Central, pinned by its content."""

    organisation: str
    name: str
    revision: str
    sha256: str

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}-{self.revision}.jar"


@dataclass(frozen=True)
class GlueVersion:
    """One version of Glue."""

    name: str
    spark: str
    python: str
    java: tuple[int, ...]
    """The major versions of Java with which this Spark runs, the one that Glue has first."""
    jars: tuple[Jar, ...]
    credentials_provider: str
    """The class with which Hadoop's S3 client reads credentials from the environment."""

    @property
    def requirements(self) -> Path:
        """The lock of its Python packages."""
        return Path(__file__).with_name(f"glue-{self.name}-requirements.txt")


_ICEBERG, _HADOOP, _SDK_1 = "org.apache.iceberg", "org.apache.hadoop", "com.amazonaws"

GLUE_VERSIONS = {
    "5.1": GlueVersion(
        "5.1",
        spark="3.5.6",
        python="3.11",
        java=(17, 21),
        jars=(
            Jar(
                _ICEBERG,
                "iceberg-spark-runtime-3.5_2.12",
                "1.10.0",
                "70f9471870b2d456167d703c829f098a446b86bb1379eee338c0efa03a341026",
            ),
            Jar(
                _ICEBERG,
                "iceberg-aws-bundle",
                "1.10.0",
                "172370cfc32a5f1ae5399b210e86fc04a366dc29a112d97ac8ffc74df7525596",
            ),
            Jar(
                _HADOOP,
                "hadoop-aws",
                "3.3.4",
                "53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a",
            ),
            Jar(
                _SDK_1,
                "aws-java-sdk-core",
                "1.12.262",
                "06fed99f929c389e168278c1b111aaf1afb270d07202fbbce92e73d1e4279678",
            ),
            Jar(
                _SDK_1,
                "aws-java-sdk-s3",
                "1.12.262",
                "a0cb7580178bc0d4d3558295a5bb890008478da8a6b3241989c71238b0ed3be5",
            ),
            Jar(
                _SDK_1,
                "aws-java-sdk-dynamodb",
                "1.12.262",
                "7af4ba06d0d9b3c2ab435089caecd0567810d203aa285f7aa72861f1964d442e",
            ),
        ),
        credentials_provider="com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    ),
    "6.0": GlueVersion(
        "6.0",
        spark="4.1.1",
        python="3.13",
        java=(17, 21),
        jars=(
            Jar(
                _ICEBERG,
                "iceberg-spark-runtime-4.1_2.13",
                "1.11.0",
                "d6ea6c5d099288daeb7d5a92061bd3d7d8f296492632b42378e5f2f0e3066242",
            ),
            Jar(
                _ICEBERG,
                "iceberg-aws-bundle",
                "1.11.0",
                "38f01da7e96850cdd05e6616d758b77b43314b712a8808e3f9a824d56976162f",
            ),
            Jar(
                _HADOOP,
                "hadoop-aws",
                "3.4.2",
                "d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9",
            ),
            Jar(
                "software.amazon.awssdk",
                "s3-transfer-manager",
                "2.44.4",
                "dbcad736b19f6eb8471f9edf027d9fffe994228f25f415894efd01fd80cb6c02",
            ),
        ),
        credentials_provider="software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider",
    ),
}

DEFAULT = "5.1"
"""The version of a job that names none."""


def glue_version(name: str | None) -> GlueVersion:
    """The version of that name. Raises BlueprintError for one that does not run here."""
    try:
        return GLUE_VERSIONS[name or DEFAULT]
    except KeyError:
        known = ", ".join(GLUE_VERSIONS)
        raise BlueprintError(
            f"Jobs of Glue {name} cannot run on this machine.", advice=f"Set GlueVersion to one of: {known}."
        ) from None
