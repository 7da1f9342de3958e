"""The command line: arguments and printing only."""

import click


@click.group()
def main() -> None:
    """Deployable serverless blueprints for AWS: run, check, build and publish them."""
