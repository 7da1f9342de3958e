// util.transform. Behaviour: "Transformation helpers in util.transform" of the AppSync developer guide; the names of
// values and the places of parentheses are those that AppSync was seen to write.

// AppSync answers null to a filter that it cannot express.
class Inexpressible extends Error {}

const COMPARISONS = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" };
const FUNCTIONS = { contains: "contains", notContains: "NOT contains", beginsWith: "begins_with" };
const ATTRIBUTE_TYPES = {
  _null: "NULL", string: "S", stringSet: "SS", number: "N", numberSet: "NS", binary: "B", binarySet: "BS",
  boolean: "BOOL", list: "L", map: "M",
};

function isMap(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value, least) {
  if (!Array.isArray(value) || value.length < least) throw new Inexpressible();
  return value;
}

function operatorExpression(subject, prefix, operator, operand, expression) {
  const value = (suffix, content) => {
    const key = `:${prefix}_${operator}${suffix}`;
    expression.expressionValues[key] = attributeValue(content);
    return key;
  };
  if (Object.hasOwn(COMPARISONS, operator)) return `(${subject} ${COMPARISONS[operator]} ${value("", operand)})`;
  if (Object.hasOwn(FUNCTIONS, operator)) return `(${FUNCTIONS[operator]}(${subject},${value("", operand)}))`;
  switch (operator) {
    case "between": {
      const [start, end] = listOf(operand, 2);
      return `(${subject} BETWEEN ${value("_start", start)} AND ${value("_end", end)})`;
    }
    case "in": {
      const keys = listOf(operand, 0).map((content, index) => value(`_${index}`, content));
      return keys.length ? `(${subject} IN (${keys.join(", ")}))` : "(null)";
    }
    case "attributeExists":
      if (typeof operand !== "boolean") throw new Inexpressible();
      return `(attribute_${operand ? "" : "not_"}exists(${subject}))`;
    case "attributeType":
      if (!Object.hasOwn(ATTRIBUTE_TYPES, operand)) throw new Inexpressible();
      return `(attribute_type(${subject},${value("", ATTRIBUTE_TYPES[operand])}))`;
    default:
      throw new Inexpressible();
  }
}

function joined(parts, word) {
  return parts.length > 1 ? `(${parts.join(` ${word} `)})` : parts.join("");
}

function fieldExpression(subject, name, prefix, operators, expression) {
  if (!isMap(operators)) throw new Inexpressible();
  const parts = Object.entries(operators).map(([operator, operand]) =>
    operator === "size"
      ? fieldExpression(`size(#${name})`, name, `${prefix}_size`, operand, expression)
      : operatorExpression(subject, prefix, operator, operand, expression));
  return joined(parts, "AND");
}

function filterParts(filter, prefix, expression) {
  if (!isMap(filter)) throw new Inexpressible();
  return Object.entries(filter).map(([name, content]) => {
    if (name === "and" || name === "or") {
      const members = listOf(content, 0).map((member, index) =>
        joined(filterParts(member, `${prefix}${name}_${index}_`, expression), "AND"));
      return joined(members, name.toUpperCase());
    }
    if (name === "not") return `(NOT ${joined(filterParts(content, `${prefix}not_`, expression), "AND")})`;
    expression.expressionNames[`#${name}`] = name;
    return fieldExpression(`#${name}`, name, `${prefix}${name}`, content, expression);
  });
}

function conditionText(filter) {
  const names = { expressionNames: {}, expressionValues: {} };
  try {
    const expression = filterParts(filter, "", names).join(" AND ");
    return JSON.stringify({ expression, ...names });
  } catch (thrown) {
    if (thrown instanceof Inexpressible) return null;
    throw thrown;
  }
}

// Every combination of one member of each list.
function combinations(lists) {
  return lists.reduce((groups, list) => groups.flatMap((group) => list.map((member) => [...group, ...member])), [[]]);
}

// The alternatives that a filter allows; each is a list of conditions that hold together.
function alternatives(filter, ignored) {
  const lists = [];
  for (const [name, content] of Object.entries(filter)) {
    if (name === "and" && Array.isArray(content)) lists.push(...content.map((member) => alternatives(member, ignored)));
    else if (name === "or" && Array.isArray(content)) lists.push(content.flatMap((member) => alternatives(member, ignored)));
    else if (!ignored.includes(name)) {
      lists.push(Object.entries(content ?? {}).map(([operator, value]) => [{ fieldName: name, operator, value }]));
    }
  }
  const given = lists.filter((list) => list.length > 0);
  return given.length ? combinations(given) : [];
}

function toSubscriptionFilter(filter, ignoredFields, rules) {
  if (!isMap(filter)) return null;
  const groups = alternatives(filter, ignoredFields ?? []);
  const ruled = Object.entries(rules ?? {}).flatMap(([name, operators]) => alternatives({ [name]: operators }, []));
  const lists = [groups, ruled].filter((list) => list.length > 0);
  const combined = lists.length ? combinations(lists) : [];
  return { filterGroup: combined.map((filters) => ({ filters })) };
}

const SEARCH_QUERIES = {
  eq: (field, value) => ({ term: { [field]: value } }),
  ne: (field, value) => ({ bool: { must_not: { term: { [field]: value } } } }),
  range: (field, [gte, lte]) => ({ range: { [field]: { gte, lte } } }),
  exists: (field, value) => (value ? { exists: { field } } : { bool: { must_not: { exists: { field } } } }),
  match: (field, value) => ({ match: { [field]: value } }),
  matchPhrase: (field, value) => ({ match_phrase: { [field]: value } }),
  matchPhrasePrefix: (field, value) => ({ match_phrase_prefix: { [field]: value } }),
  multiMatch: (field, value) => ({ multi_match: { fields: [field], query: value } }),
  wildcard: (field, value) => ({ wildcard: { [field]: value } }),
  regexp: (field, value) => ({ regexp: { [field]: value } }),
  ...Object.fromEntries(["gt", "gte", "lt", "lte"].map((operator) =>
    [operator, (field, value) => ({ range: { [field]: { [operator]: value } } })])),
};

function searchQuery(filter) {
  const must = Object.entries(filter).map(([name, content]) => {
    if (name === "and") return { bool: { must: content.map(searchQuery) } };
    if (name === "or") return { bool: { should: content.map(searchQuery) } };
    if (name === "not") return { bool: { must_not: searchQuery(content) } };
    const queries = Object.entries(content).map(([operator, value]) => {
      if (!Object.hasOwn(SEARCH_QUERIES, operator)) throw new Inexpressible();
      return SEARCH_QUERIES[operator](name, value);
    });
    return queries.length === 1 ? queries[0] : { bool: { must: queries } };
  });
  return must.length === 1 ? must[0] : { bool: { must } };
}

function toElasticsearchQueryDSL(filter) {
  if (!isMap(filter)) return null;
  try {
    return JSON.stringify(searchQuery(filter));
  } catch (thrown) {
    if (thrown instanceof Inexpressible) return null;
    throw thrown;
  }
}

const transform = {
  toDynamoDBFilterExpression: conditionText,
  toDynamoDBConditionExpression: conditionText,
  toSubscriptionFilter,
  toElasticsearchQueryDSL,
};
