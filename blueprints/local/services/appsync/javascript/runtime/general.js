// util, runtime, extensions and console. Behaviour: "Built-in utilities", "Runtime utilities" and "Extensions" of the
// AppSync developer guide, and the type declarations of the package @aws-appsync/utils.

function raise(message, errorType = null, data = null, errorInfo = null) {
  throw { mark: ERROR, error: { message: textOrNull(message), errorType, data, errorInfo } };
}

function textOrNull(value) {
  return value === undefined || value === null ? null : String(value);
}

function utf8Bytes(text) {
  return unescape(encodeURIComponent(String(text).toWellFormed()));
}

function utf8Text(bytes) {
  const characters = /[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[^]/g;
  return bytes.replace(characters, (sequence) => {
    if (sequence.length === 1) return sequence <= "\x7f" ? sequence : "\ufffd";
    try {
      return decodeURIComponent(escape(sequence));
    } catch {
      return "\ufffd";
    }
  });
}

function hexadecimal(count) {
  let text = "";
  while (text.length < count) text += invocation.random().toString(16).padStart(8, "0");
  return text.slice(0, count);
}

function randomDouble() {
  return (invocation.random() >>> 5) * 2 ** -27 + (invocation.random() >>> 6) * 2 ** -53;
}

function inBase(number, alphabet, length) {
  const base = BigInt(alphabet.length);
  let text = "";
  while (text.length < length) {
    text = alphabet[Number(number % base)] + text;
    number /= base;
  }
  return text;
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KSUID_EPOCH = 1400000000;

// java.util.regex.Pattern.matches: the whole value.
function matches(pattern, value) {
  return javaPattern(pattern, (rest) => `^(?:${rest})$`, "").test(String(value));
}

const AUTHORIZATIONS = {
  iam: ["accountId", "sourceIp", "username", "userArn"],
  userPool: ["sourceIp", "username", "sub", "issuer", "claims", "defaultAuthStrategy"],
};

// AppSync tells the mode by the members of the identity: an incomplete one counts as a request with an API key.
function authType() {
  const identity = invocation.context.identity;
  if (identity === null || identity === undefined) return "API Key Authorization";
  const has = (names) => names.every((name) => identity[name] !== null && identity[name] !== undefined);
  if (Object.keys(identity).length === 0 || Object.hasOwn(identity, "resolverContext")) return "Lambda Authorization";
  if (has(AUTHORIZATIONS.iam)) return "IAM Authorization";
  if (has(AUTHORIZATIONS.userPool)) return "User Pool Authorization";
  if (has(["sub", "issuer", "claims"]) && !Object.hasOwn(identity, "username")) return "Open ID Connect Authorization";
  return "API Key Authorization";
}

// Headers that a resolver must not forward or set: connection management, AWS's own, and credentials of the transport.
const RESTRICTED_HEADERS = new Set(["connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
  "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "x-forwarded-for", "x-forwarded-host",
  "x-forwarded-port", "x-forwarded-proto"]);

function copyHeaders(headers) {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !RESTRICTED_HEADERS.has(name.toLowerCase())));
}

function addResponseHeader(name, value) {
  const lower = String(name).toLowerCase();
  if (RESTRICTED_HEADERS.has(lower) || lower.startsWith("x-amzn-") || lower.startsWith("x-amz-")) {
    raise(`The response header '${name}' is restricted.`, "BadRequestException");
  }
  invocation.responseHeaders[lower] = typeof value === "string" ? value : JSON.stringify(value);
  const size = Object.entries(invocation.responseHeaders).reduce((sum, pair) => sum + pair[0].length + pair[1].length, 0);
  if (size > 4096) raise("The custom response headers are larger than 4 KB.", "BadRequestException");
}

const util = {
  error: raise,
  appendError(message, errorType = null, data = null, errorInfo = null) {
    invocation.errors.push({ message: textOrNull(message), errorType, data, errorInfo });
  },
  unauthorized() {
    const { fieldName, parentTypeName } = invocation.context.info ?? {};
    raise(`Not Authorized to access ${fieldName} on type ${parentTypeName}`, "Unauthorized");
  },
  // Apache Commons' escapeEcmaScript.
  escapeJavaScript(value) {
    const named = { "\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r" };
    return String(value).replace(/["'\\/]|[^\x20-\x7f]/g, (character) => {
      if (`"'\\/`.includes(character)) return `\\${character}`;
      return named[character] ?? `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    });
  },
  urlEncode(value) {
    const percent = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
    return encodeURIComponent(String(value).toWellFormed()).replace(/[!'()~]/g, percent).replace(/%20/g, "+");
  },
  urlDecode: (value) => decodeURIComponent(String(value).replace(/\+/g, "%20")),
  base64Encode: (value) => btoa(utf8Bytes(value)),
  base64Decode: (value) => utf8Text(atob(String(value))),
  autoId() {
    const digits = hexadecimal(32);
    const variant = "89ab"[invocation.random() & 3];
    return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, variant + digits.slice(17, 20),
      digits.slice(20)].join("-");
  },
  autoUlid: () => inBase((BigInt(Math.trunc(invocation.now)) << 80n) | BigInt(`0x${hexadecimal(20)}`), CROCKFORD, 26),
  autoKsuid() {
    const seconds = BigInt(Math.trunc(invocation.now / 1000) - KSUID_EPOCH);
    return inBase((seconds << 128n) | BigInt(`0x${hexadecimal(32)}`), BASE62, 27);
  },
  matches,
  authType,
  http: {
    copyHeaders,
    addResponseHeader,
    addResponseHeaders(headers) {
      for (const [name, value] of Object.entries(headers ?? {})) addResponseHeader(name, value);
    },
  },
  str: {
    normalize: (value, form) => String(value).normalize(String(form).toUpperCase()),
  },
  math: {
    roundNum: (value) => Math.round(value),
    minVal: (one, other) => Math.min(one, other),
    maxVal: (one, other) => Math.max(one, other),
    randomDouble,
    randomWithinRange: (start, end) => Math.floor(start + randomDouble() * (end - start)),
  },
  time,
  dynamodb,
  transform,
  rds: { toJsonObject },
};

const runtime = {
  earlyReturn(value, options) {
    throw { mark: EARLY_RETURN, value, skipTo: options?.skipTo ?? null };
  },
};

const extensions = {
  setSubscriptionFilter(filter) {
    invocation.subscriptionFilter = filter ?? null;
  },
  setSubscriptionInvalidationFilter(filter) {
    invocation.invalidationFilter = filter ?? null;
  },
  invalidateSubscriptions(invalidation) {
    invocation.invalidations.push(invalidation);
  },
  evictFromApiCache(typeName, fieldName, keys) {
    invocation.evictions.push({ typeName, fieldName, keys });
  },
};

function writeLog(level, values) {
  const text = values.map((value) => JSON.stringify(value) ?? "undefined").join(" ");
  invocation.logs.push(`${level} - ${callSite(new Error().stack)}: ${text}`);
}

const consoleOfResolvers = {
  log: (...values) => writeLog("INFO", values),
  error: (...values) => writeLog("ERROR", values),
};
