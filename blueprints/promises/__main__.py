"""Writes docs/promises.md to standard output."""

import sys

from blueprints.promises.reporting import page

if __name__ == "__main__":
    sys.stdout.write(page())
