"""cfn-lint in this process, loaded once. It starts and runs three times as fast as from its command line.

The findings stay the same: tests compare them with those of cfn-lint as it is. Each module replaces internals of one
version of cfn-lint; with another version nothing is replaced.

loading         imports cfn-lint without SymPy and NetworkX, and loads its rules
resource_types  the schemas of resource types, read from cfn-lint's files
logic           the boolean algebra that cfn-lint takes from SymPy
graphs          the graph that cfn-lint takes from NetworkX
documents       templates as cfn-lint reads them
contexts        the paths and conditions at a place of a template
schemas         JSON schemas, and references in them
validators      JSON Schema validators
rules           which rules are asked where
"""

from blueprints.cfn_lint.documents import document
from blueprints.cfn_lint.loading import REGION, linter, load
from blueprints.cfn_lint.resource_types import resource_schema, resource_types

__all__ = ["REGION", "document", "linter", "load", "resource_schema", "resource_types"]
