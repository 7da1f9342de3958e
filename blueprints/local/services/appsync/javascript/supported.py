"""What APPSYNC_JS offers to code, as the AppSync developer guide lists it: "Supported runtime features", "Built-in
utilities" and "Built-in modules".
"""

GLOBALS = frozenset((
    "undefined", "NaN", "Infinity", "Object", "Array", "String", "Number", "Boolean", "Math", "JSON", "console",
    "parseInt", "parseFloat", "isNaN", "isFinite", "util", "runtime", "extensions", "arguments",
))  # fmt: skip

SUGGESTIONS = {
    "Date": "util.time",
    "RegExp": "util.matches",
    "Error": "util.error",
    "TypeError": "util.error",
    "Map": "an object",
    "Set": "an array",
    "btoa": "util.base64Encode",
    "atob": "util.base64Decode",
    "encodeURIComponent": "util.urlEncode",
    "decodeURIComponent": "util.urlDecode",
    "fetch": "an HTTP data source",
    "crypto": "util.autoId",
}
"""What to use instead of a global of other JavaScript engines."""

CALLBACK_METHODS = frozenset((
    "forEach", "map", "flatMap", "filter", "reduce", "reduceRight", "find", "some", "every", "findIndex", "findLast",
    "findLastIndex",
))  # fmt: skip
"""The methods that take functions."""

REFUSED_METHODS = frozenset((
    "apply", "bind", "call", "charCodeAt", "codePointAt", "copyWithin", "entries", "keys", "localeCompare", "matchAll",
    "padEnd", "padStart", "repeat", "search", "toLocaleLowerCase", "toLocaleString", "toLocaleUpperCase", "values",
))  # fmt: skip
"""Methods of functions, arrays and strings that APPSYNC_JS lacks; `Object.keys` and its siblings are supported."""

UNSUPPORTED_METHODS = frozenset((
    *(f"Object.{name}" for name in (
        "create", "defineProperties", "defineProperty", "freeze", "getOwnPropertyDescriptor",
        "getOwnPropertyDescriptors", "getOwnPropertyNames", "getOwnPropertySymbols", "getPrototypeOf", "is",
        "isExtensible", "isFrozen", "isSealed", "preventExtensions", "seal", "setPrototypeOf", "prototype",
    )),
    "Array.from", "Array.of", "Array.fromAsync", "String.fromCharCode", "String.fromCodePoint", "Array.prototype",
    "String.prototype",
))  # fmt: skip

_TIME = (
    "nowISO8601", "nowEpochSeconds", "nowEpochMilliSeconds", "nowFormatted", "parseFormattedToEpochMilliSeconds",
    "parseISO8601ToEpochMilliSeconds", "epochMilliSecondsToSeconds", "epochMilliSecondsToISO8601",
    "epochMilliSecondsToFormatted",
)  # fmt: skip
_DYNAMODB = (
    "toDynamoDB", "toString", "toStringSet", "toNumber", "toNumberSet", "toBinary", "toBinarySet", "toBoolean",
    "toNull", "toList", "toMap", "toMapValues", "toS3Object", "fromS3ObjectJson",
)  # fmt: skip
_OPERATIONS = ("add", "remove", "replace", "increment", "decrement", "append", "prepend", "updateListItem")

MEMBERS: dict[str, tuple[str, ...]] = {
    "@aws-appsync/utils": ("util", "runtime", "extensions"),
    "@aws-appsync/utils/dynamodb": (
        "get", "put", "update", "remove", "scan", "query", "sync", "batchGet", "batchPut", "batchDelete", "transactGet",
        "transactWrite", "toStringSet", "toNumberSet", "toBinarySet", "operations",
    ),
    "@aws-appsync/utils/dynamodb.operations": _OPERATIONS,
    "util": (
        "error", "appendError", "unauthorized", "escapeJavaScript", "urlEncode", "urlDecode", "base64Encode",
        "base64Decode", "autoId", "autoUlid", "autoKsuid", "matches", "authType", "time", "dynamodb", "transform",
        "rds", "http", "str", "math",
    ),
    "util.time": _TIME,
    "util.dynamodb": _DYNAMODB,
    "util.transform": (
        "toDynamoDBFilterExpression", "toDynamoDBConditionExpression", "toSubscriptionFilter",
        "toElasticsearchQueryDSL",
    ),
    "util.rds": ("toJsonObject",),
    "util.http": ("copyHeaders", "addResponseHeader", "addResponseHeaders"),
    "util.str": ("normalize",),
    "util.math": ("roundNum", "minVal", "maxVal", "randomDouble", "randomWithinRange"),
    "runtime": ("earlyReturn",),
    "extensions": (
        "setSubscriptionFilter", "setSubscriptionInvalidationFilter", "invalidateSubscriptions", "evictFromApiCache",
    ),
}  # fmt: skip
"""The members of modules and of the objects of the runtime; what is not here is refused by name."""
