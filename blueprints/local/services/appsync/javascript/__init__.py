"""APPSYNC_JS: runs and checks the JavaScript code of resolvers and functions.

syntax      reads code: its imports and exports, and the tree of its syntax
faults/     what AppSync refuses when code is deployed
engine      QuickJS contexts with AppSync's runtime, one for each thread
evaluation  runs a `request` or `response` function
runtime/    AppSync's runtime, in JavaScript: `util`, `runtime`, `extensions`, `console` and the modules of imports
"""

from blueprints.local.services.appsync.javascript.evaluation import Evaluation, EvaluationFailed, evaluate
from blueprints.local.services.appsync.javascript.faults import CodeFault, faults

__all__ = ["CodeFault", "Evaluation", "EvaluationFailed", "evaluate", "faults"]
