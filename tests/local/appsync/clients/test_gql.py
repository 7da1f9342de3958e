"""Python's gql with the embedded AppSync, on the plain port."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints import cache
from tests.local.appsync.graphql_apis import deploy_api, resolver

SCHEMA = """
type Query { note(id: ID!): Note }
type Mutation { createNote(id: ID!, owner: String!): Note }
type Subscription { onCreateNote(owner: String): Note @aws_subscribe(mutations: ["createNote"]) }
type Note { id: ID! owner: String }
"""
SOURCE = "def handler(event, context): return event['arguments']"
FOLDER = Path(__file__).parent / "gql"
NO_INDEX = (
    "Failed to fetch",
    "error sending request",
    "Connection refused",
    "network connectivity is disabled",
    "dns error",
)


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with gql, made in the tools' cache; a skip where no package index can be reached."""
    requirements = FOLDER / "requirements.txt"
    facts = (requirements.read_bytes(), sys.version)
    place = cache.folder("python-clients") / cache.digest(*facts)[:32]
    if not (place / "complete").exists():
        with cache.alone(place):
            if not (place / "complete").exists():
                uv("venv", "--clear", "--python", sys.executable, str(place))
                uv("pip", "install", "--python", str(place / "bin" / "python"), "-r", str(requirements))
                (place / "complete").touch()
    return place / "bin" / "python"


def uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode and any(each in done.stderr for each in NO_INDEX):
        pytest.skip("needs the Python package index once, to install gql into the cache")
    assert done.returncode == 0, done.stderr


def test_queries_mutations_subscriptions_and_a_refused_key(cloud, python):
    resolvers = {"Note": resolver("Query", "note"), "Create": resolver("Mutation", "createNote")}
    api = deploy_api(cloud, SCHEMA, SOURCE, **resolvers)
    url = f"http://localhost:{cloud.port}/v1/apis/{api.api_id}/graphql"

    done = subprocess.run(
        [python, FOLDER / "client.py", url, api.key], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    refused = got.pop("refused")
    assert got == {
        "query": {"note": {"id": "1"}},
        "mutation": {"createNote": {"id": "1", "owner": "ana"}},
        "event": {"onCreateNote": {"id": "1", "owner": "ana"}},
    }
    assert "You are not authorized to make this call." in refused
