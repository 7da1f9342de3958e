// The built-in functions that APPSYNC_JS changes. Source: "Supported runtime features" of the AppSync developer guide.

const parseJson = JSON.parse;

// Java's regular expressions with its leading inline flags. Most of their syntax is that of JavaScript.
function javaPattern(pattern, surround, flags) {
  const [, inline, rest] = /^(?:\(\?([ims]+)\))?([^]*)$/.exec(String(pattern));
  const all = [...new Set(flags + (inline ?? ""))].join("");
  try {
    return new RegExp(surround(rest), `u${all}`);
  } catch {
    return new RegExp(surround(rest), all);
  }
}

// In a replacement, Java has `$1` and `${name}` for groups, and `\\` before a character that stands for itself.
function javaReplacement(text) {
  return (...match) => {
    const named = typeof match.at(-1) === "object" ? match.at(-1) : {};
    return String(text).replace(/\\([^])|\$(\d)|\$\{(\w+)\}/g, (whole, literal, number, name) =>
      literal ?? (number === undefined ? named[name] : match[Number(number)]) ?? "");
  };
}

function replacing(original, flags) {
  return function (pattern, replacement) {
    if (pattern instanceof RegExp) return original.call(this, pattern, replacement); // the runtime's own calls
    return original.call(this, javaPattern(pattern, (rest) => rest, flags), javaReplacement(replacement));
  };
}

function changeBuiltins() {
  const { replace, replaceAll } = String.prototype;
  const changed = {
    replace: replacing(replace, ""),
    replaceAll: replacing(replaceAll, "g"),
  };
  for (const [name, value] of Object.entries(changed)) {
    Reflect.defineProperty(String.prototype, name, { value, writable: true, enumerable: false, configurable: true });
  }
  // Text that is no JSON gives an empty string.
  JSON.parse = (text) => {
    try {
      return parseJson(text);
    } catch {
      return "";
    }
  };
  Math.random = randomDouble;
}
