"""The names of the query languages, as `QueryLanguage` has them."""

JSON_PATH = "JSONPath"
JSONATA = "JSONata"
