"""Data sources of AppSync: functions and tables that resolvers call, in the data source's role.

calls             a call of a resolver, and its outcome
lambda_functions  AWS_LAMBDA: Invoke and BatchInvoke
dynamodb          AMAZON_DYNAMODB: items of a table
roles             the role of a data source
sources           calls the data source that a resolver names
"""

from blueprints.local.services.appsync.data_sources.calls import Call, Outcome, SourceError
from blueprints.local.services.appsync.data_sources.sources import EMULATED_TYPES, DataSources

__all__ = ["EMULATED_TYPES", "Call", "DataSources", "Outcome", "SourceError"]
