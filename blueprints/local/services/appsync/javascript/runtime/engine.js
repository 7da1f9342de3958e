// Runs the handlers of resolvers. Text goes in and JSON text comes out; Python knows the members of the answer.

const MAXIMUM_RESULT = 5 * 1024 * 1024;
const MAXIMUM_FACTORIES = 256;

const ERROR = Symbol("util.error");
const EARLY_RETURN = Symbol("runtime.earlyReturn");
const MISSING_ZONE = Symbol("missing time zone");

// What an invocation leaves behind beside its result; `begin` replaces it, so nothing reaches the next invocation.
let invocation = null;

function begin(seed, now) {
  invocation = {
    context: {}, random: randomNumbers(seed), now, logs: [], errors: [], subscriptionFilter: null,
    invalidationFilter: null, invalidations: [], evictions: [], responseHeaders: {},
  };
}

// Resolvers, compiled. Each invocation calls its factory anew and so gets fresh variables.
const factories = new Map();

function compile(key, source) {
  if (factories.size >= MAXIMUM_FACTORIES) factories.delete(factories.keys().next().value);
  factories.set(key, (0, eval)(source));
}

function isCompiled(key) {
  return factories.has(key);
}

// xoshiro128**, seeded by the operating system for each invocation: ids of two contexts never coincide.
function randomNumbers(seed) {
  const state = [0, 8, 16, 24].map((at) => parseInt(seed.slice(at, at + 8), 16) | 0);
  return () => {
    const product = Math.imul(state[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result;
  };
}

// The place in the resolver's code from which the runtime was called, such as `code.js:5:3`. The runtime itself begins
// behind line FIRST_LINE, which no resolver's code reaches.
function callSite(stack) {
  const frames = [...stack.matchAll(/<input>:(\d+):(\d+)/g)];
  const frame = frames.find(([, line]) => Number(line) < FIRST_LINE);
  return frame === undefined ? "code.js" : `code.js:${frame[1]}:${frame[2]}`;
}

function described(thrown) {
  if (!(thrown instanceof Error)) return `code.js: Error: ${String(thrown)}`;
  return `${callSite(thrown.stack ?? "")}: ${thrown.name}: ${thrown.message}`;
}

function failure(thrown) {
  if (thrown !== null && typeof thrown === "object") {
    if (thrown.mark === ERROR) return { error: thrown.error };
    if (thrown.mark === EARLY_RETURN) return { ...resultMember(thrown.value), earlyReturn: true, skipTo: thrown.skipTo };
    if (thrown.mark === MISSING_ZONE) return { zone: thrown.zone };
  }
  if (thrown instanceof InternalError && /interrupted|out of memory/.test(thrown.message)) throw thrown;
  return { error: { message: described(thrown), errorType: "Code", data: null, errorInfo: null } };
}

function resultMember(value) {
  const text = JSON.stringify(value);
  if (text !== undefined && text.length > MAXIMUM_RESULT) {
    const message = `The result of the code is larger than 5 MB (${text.length} characters).`;
    return { error: { message, errorType: "Code", data: null, errorInfo: null } };
  }
  return { result: text === undefined ? null : value };
}

function outcome(key, handlerName, contextText) {
  try {
    const context = parseJson(contextText);
    context.arguments ??= context.args ?? {};
    context.args = context.arguments;
    context.stash ??= {};
    invocation.context = context;
    const handlers = factories.get(key)(MODULES, util, runtime, extensions, consoleOfResolvers);
    if (typeof handlers[handlerName] !== "function") {
      const message = `code.js: The code does not export a function '${handlerName}'.`;
      return { error: { message, errorType: "Code", data: null, errorInfo: null } };
    }
    return resultMember(handlers[handlerName](context));
  } catch (thrown) {
    return failure(thrown);
  }
}

function evaluate(key, handlerName, contextText, seed, now) {
  begin(seed, now);
  const ended = outcome(key, handlerName, contextText);
  const { context, random, now: ignored, ...effects } = invocation;
  return JSON.stringify({ ...effects, ...ended, stash: context.stash ?? {} });
}
