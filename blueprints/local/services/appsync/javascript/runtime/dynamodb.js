// util.dynamodb and the module @aws-appsync/utils/dynamodb. Behaviour: "DynamoDB helpers in util.dynamodb" and
// "Amazon DynamoDB built-in module" of the AppSync developer guide. Numbers stay JSON numbers: { "N": 10 }.

const absent = (value) => value === null || value === undefined;

function attributeValue(value) {
  if (absent(value)) return { NULL: null };
  if (typeof value === "string") return { S: value };
  if (typeof value === "number") return { N: value };
  if (typeof value === "boolean") return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(attributeValue) };
  if (typeof value === "object") return isAttributeSet(value) ? value : { M: attributeValues(value) };
  throw new TypeError(`A ${typeof value} cannot be stored in DynamoDB`);
}

// toStringSet and its siblings return attribute values; the module's functions must not convert them again.
const attributeSets = new WeakSet();
const isAttributeSet = (value) => attributeSets.has(value);

function attributeValues(values) {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([name, value]) => [name, attributeValue(value)]));
}

function attributeSet(type, values) {
  if (absent(values)) return null;
  const set = { [type]: [...values] };
  attributeSets.add(set);
  return set;
}

const orNull = (value, convert) => (absent(value) ? null : convert(value));

const dynamodb = {
  toDynamoDB: attributeValue,
  toString: (value) => orNull(value, (text) => ({ S: String(text) })),
  toStringSet: (values) => attributeSet("SS", values),
  toNumber: (value) => orNull(value, (number) => ({ N: Number(number) })),
  toNumberSet: (values) => attributeSet("NS", values),
  toBinary: (value) => orNull(value, (text) => ({ B: String(text) })),
  toBinarySet: (values) => attributeSet("BS", values),
  toBoolean: (value) => orNull(value, (flag) => ({ BOOL: Boolean(flag) })),
  toNull: () => ({ NULL: null }),
  toList: (values) => orNull(values, (list) => ({ L: [...list].map(attributeValue) })),
  toMap: (values) => orNull(values, (map) => ({ M: attributeValues(map) })),
  toMapValues: (values) => orNull(values, attributeValues),
  toS3Object(key, bucket, region, version) {
    const s3 = { key, bucket, region, ...(absent(version) ? {} : { version }) };
    return { S: JSON.stringify({ s3 }) };
  },
  fromS3ObjectJson: (text) => parseJson(text).s3,
};

// Leaves out the members that were not given: AppSync's requests have none that is null.
function compact(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !absent(value)));
}

function parsedCondition(condition) {
  if (absent(condition)) return undefined;
  const text = conditionText(condition);
  if (text === null) raise("The condition or filter is not valid.", "MappingTemplate");
  const expression = parseJson(text);
  if (expression.expression === "") return undefined;
  if (Object.keys(expression.expressionValues).length === 0) delete expression.expressionValues;
  return expression;
}

// `address.tags[0]` becomes `#projection_1.#projection_2[0]`, because a name can be a reserved word.
function projectionOf(paths) {
  if (absent(paths)) return undefined;
  const expressionNames = {};
  const placeholder = (name) => {
    const found = Object.keys(expressionNames).find((key) => expressionNames[key] === name);
    const key = found ?? `#projection_${Object.keys(expressionNames).length + 1}`;
    expressionNames[key] = name;
    return key;
  };
  const expression = paths.map((path) => path.replace(/[^.[\]]+(?![^[]*\])/g, placeholder)).join(", ");
  return { expression, expressionNames };
}

const KEY_COMPARISONS = { eq: "=", lt: "<", le: "<=", gt: ">", ge: ">=" };

function keyCondition(query) {
  const expressionNames = {};
  const expressionValues = {};
  const parts = [];
  for (const [name, operators] of Object.entries(query)) {
    for (const [operator, operand] of Object.entries(operators)) {
      const number = parts.length + 1;
      const key = `#expName_${number}`;
      const value = `:expValue_${number}`;
      expressionNames[key] = name;
      if (operator === "between") {
        expressionValues[`${value}_start`] = attributeValue(operand[0]);
        expressionValues[`${value}_end`] = attributeValue(operand[1]);
        parts.push(`(${key} BETWEEN ${value}_start AND ${value}_end)`);
        continue;
      }
      expressionValues[value] = attributeValue(operand);
      if (operator === "beginsWith") parts.push(`(begins_with(${key},${value}))`);
      else if (Object.hasOwn(KEY_COMPARISONS, operator)) parts.push(`(${key} ${KEY_COMPARISONS[operator]} ${value})`);
      else raise(`A key condition cannot use the operator '${operator}'.`, "MappingTemplate");
    }
  }
  return { expression: parts.join(" AND "), expressionNames, expressionValues };
}

const operation = (type) => (members) => ({ type: `OPERATION_${type}`, ...members });

const operations = {
  add: (value) => operation("ADD")({ value }),
  remove: () => operation("REMOVE")({}),
  replace: (value) => operation("REPLACE")({ value }),
  increment: (by = 1) => operation("INCREMENT")({ by }),
  decrement: (by = 1) => operation("DECREMENT")({ by }),
  append: (items) => operation("APPEND")({ items }),
  prepend: (items) => operation("PREPEND")({ items }),
  updateListItem: (item, index) => operation("UPDATE_LIST_ITEM")({ item, index }),
};

// The clauses of an UpdateExpression, from an object whose members are values, operations or nested objects.
class UpdateExpression {
  constructor() {
    this.set = [];
    this.removed = [];
    this.names = {};
    this.values = {};
    this.number = 0;
  }

  add(path, change) {
    const apply = CHANGES[change?.type];
    if (apply !== undefined) apply(this, path, change);
    else if (change === null) this.removed.push(path);
    else if (Array.isArray(change) && change.some((item) => item?.type === "OPERATION_UPDATE_LIST_ITEM")) {
      for (const item of change) this.set.push(`${path}[${item.index}] = ${this.value(item.item)}`);
    } else if (typeof change === "object" && !Array.isArray(change) && !isAttributeSet(change)) this.addAll(path, change);
    else this.set.push(`${path} = ${this.value(change)}`);
  }

  addAll(prefix, changes) {
    for (const [name, change] of Object.entries(changes)) {
      if (change === undefined) continue;
      this.number += 1;
      const key = `#expName_${this.number}`;
      this.names[key] = name;
      this.add(prefix === "" ? key : `${prefix}.${key}`, change);
    }
  }

  value(value) {
    const key = `:expValue_${Object.keys(this.values).length + 1}`;
    this.values[key] = attributeValue(value);
    return key;
  }

  request() {
    const clauses = [];
    if (this.set.length) clauses.push(`SET ${this.set.join(", ")}`);
    if (this.removed.length) clauses.push(`REMOVE ${this.removed.join(", ")}`);
    return compact({
      expression: clauses.join(" "),
      expressionNames: this.names,
      expressionValues: Object.keys(this.values).length ? this.values : undefined,
    });
  }
}

const CHANGES = {
  OPERATION_ADD: (update, path, { value }) => update.set.push(`${path} = ${update.value(value)}`),
  OPERATION_REPLACE: (update, path, { value }) => update.set.push(`${path} = ${update.value(value)}`),
  OPERATION_REMOVE: (update, path) => update.removed.push(path),
  OPERATION_INCREMENT: (update, path, { by }) => update.set.push(`${path} = ${path} + ${update.value(by)}`),
  OPERATION_DECREMENT: (update, path, { by }) => update.set.push(`${path} = ${path} - ${update.value(by)}`),
  OPERATION_APPEND: (update, path, { items }) => update.set.push(`${path} = list_append(${path}, ${update.value(items)})`),
  OPERATION_PREPEND: (update, path, { items }) => update.set.push(`${path} = list_append(${update.value(items)}, ${path})`),
};

function updateExpression(changes) {
  const update = new UpdateExpression();
  update.addAll("", changes);
  return update.request();
}

// Members that the requests of a versioned data source pass on unchanged.
function versioned({ customPartitionKey, populateIndexFields, _version }) {
  return { customPartitionKey, populateIndexFields, _version };
}

function transactionCondition(condition) {
  const expression = parsedCondition(condition);
  return expression && { ...expression, returnValuesOnConditionCheckFailure: true };
}

const TRANSACTION_WRITES = {
  putItem: ({ item }) => ({ operation: "PutItem", attributeValues: attributeValues(item) }),
  updateItem: ({ update }) => ({ operation: "UpdateItem", update: updateExpression(update) }),
  deleteItem: () => ({ operation: "DeleteItem" }),
  conditionCheck: () => ({ operation: "ConditionCheck" }),
};

function transactionWrite(entry) {
  const [kind, details] = Object.entries(entry)[0];
  return compact({
    table: details.table,
    key: attributeValues(details.key),
    ...TRANSACTION_WRITES[kind](details),
    condition: transactionCondition(details.condition),
  });
}

const perTable = (tables, convert) =>
  Object.fromEntries(Object.entries(tables).map(([name, contents]) => [name, convert(contents)]));

const dynamodbModule = {
  get: ({ key, consistentRead, projection }) => compact({
    operation: "GetItem", key: attributeValues(key), consistentRead, projection: projectionOf(projection),
  }),
  put: ({ key, item, condition, ...rest }) => compact({
    operation: "PutItem", key: attributeValues(key), attributeValues: attributeValues(item),
    condition: parsedCondition(condition), ...versioned(rest),
  }),
  remove: ({ key, condition, ...rest }) => compact({
    operation: "DeleteItem", key: attributeValues(key), condition: parsedCondition(condition), ...versioned(rest),
  }),
  update: ({ key, update, condition, ...rest }) => compact({
    operation: "UpdateItem", key: attributeValues(key), update: updateExpression(update),
    condition: parsedCondition(condition), ...versioned(rest),
  }),
  scan: ({ filter, projection, ...rest }) => compact({
    operation: "Scan", ...rest, filter: parsedCondition(filter), projection: projectionOf(projection),
  }),
  query: ({ query, filter, projection, ...rest }) => compact({
    operation: "Query", ...rest, query: keyCondition(query), filter: parsedCondition(filter),
    projection: projectionOf(projection),
  }),
  sync: ({ filter, ...rest }) => compact({ operation: "Sync", ...rest, filter: parsedCondition(filter) }),
  batchGet: ({ tables }) => ({
    operation: "BatchGetItem",
    tables: perTable(tables, ({ keys, consistentRead, projection }) => compact({
      keys: keys.map(attributeValues), consistentRead, projection: projectionOf(projection),
    })),
  }),
  batchPut: ({ tables }) => ({
    operation: "BatchPutItem", tables: perTable(tables, (items) => items.map(attributeValues)),
  }),
  batchDelete: ({ tables }) => ({
    operation: "BatchDeleteItem", tables: perTable(tables, (keys) => keys.map(attributeValues)),
  }),
  transactGet: ({ items }) => ({
    operation: "TransactGetItems",
    transactItems: items.map(({ table, key, projection }) => compact({
      table, key: attributeValues(key), projection: projectionOf(projection),
    })),
  }),
  transactWrite: ({ items }) => ({ operation: "TransactWriteItems", transactItems: items.map(transactionWrite) }),
  toStringSet: dynamodb.toStringSet,
  toNumberSet: dynamodb.toNumberSet,
  toBinarySet: dynamodb.toBinarySet,
  operations,
};
