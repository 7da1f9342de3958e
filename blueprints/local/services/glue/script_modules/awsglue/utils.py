"""The arguments of a job, as Glue's module gives them."""

import argparse
from collections.abc import Sequence


class GlueArgumentError(Exception):
    """A required argument is missing."""


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802 - Glue's name
    """The values of the named arguments and of Glue's own. Raises GlueArgumentError if one is missing."""
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False, add_help=False)
    names = dict.fromkeys([*options, "JOB_NAME", "JOB_ID", "JOB_RUN_ID"])
    for name in names:
        parser.add_argument(f"--{name}")
    found = {name: value for name, value in vars(parser.parse_known_args(args[1:])[0]).items() if value is not None}
    for name in options:
        if name not in found:
            raise GlueArgumentError(f"the following arguments are required: --{name}")
    return found
