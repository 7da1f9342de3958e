"""These tests use the modules and the fixtures of the pattern's own tests."""

from pathlib import Path

from tests.patterns.fixtures import load_fixtures

globals().update(load_fixtures(Path(__file__).parent))
