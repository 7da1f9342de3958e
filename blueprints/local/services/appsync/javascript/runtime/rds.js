// util.rds. Behaviour: "Amazon RDS helpers in util.rds" of the AppSync developer guide.

function columnValue(column) {
  if (column === null || column === undefined || column.isNull) return null;
  const [[kind, value]] = Object.entries(column);
  if (kind === "arrayValue" || kind === "arrayValues") return Object.values(value)[0] ?? value;
  return value;
}

// One list of records for each statement; a statement that changed data gives an empty list.
function toJsonObject(result) {
  if (result === null || result === undefined) return null;
  const { sqlStatementResults } = typeof result === "string" ? parseJson(result) : result;
  return sqlStatementResults.map(({ records, columnMetadata }) => (records ?? []).map((record) =>
    Object.fromEntries(record.map((column, index) => [columnMetadata[index].label ?? columnMetadata[index].name, columnValue(column)]))));
}
