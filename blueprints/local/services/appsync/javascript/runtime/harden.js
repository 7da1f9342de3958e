// Makes everything that resolvers share read-only, so that one invocation cannot leave anything for the next.

// Freezing a prototype would also forbid `item.toString = 1` on every object that inherits from it. Accessors whose
// setter defines an own property keep that legal.
function replaceByAccessors(prototype) {
  for (const key of Reflect.ownKeys(prototype)) {
    const property = Reflect.getOwnPropertyDescriptor(prototype, key);
    if (!property.configurable || !("value" in property)) continue;
    const value = property.value;
    Reflect.defineProperty(prototype, key, {
      get: () => value,
      set(replacement) {
        if (this === prototype) throw new TypeError(`'${String(key)}' is read-only`);
        Reflect.defineProperty(this, key, { value: replacement, writable: true, enumerable: true, configurable: true });
      },
      enumerable: property.enumerable,
      configurable: false,
    });
  }
}

function freezeAll(roots) {
  const seen = new Set();
  const waiting = [...roots];
  while (waiting.length) {
    const value = waiting.pop();
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    waiting.push(Reflect.getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      waiting.push(property.value, property.get, property.set);
    }
    if (value !== globalThis) Object.freeze(value);
  }
}

function harden(...roots) {
  // These are not reachable from the global object.
  const hidden = [function* () {}, async function () {}, async function* () {}, [][Symbol.iterator](), ""[Symbol.iterator](),
    new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), "".matchAll(/a/g)].map(Reflect.getPrototypeOf);
  replaceByAccessors(Object.prototype);
  replaceByAccessors(Error.prototype);
  freezeAll([globalThis, ...hidden, ...roots]);
  for (const key of Reflect.ownKeys(globalThis)) {
    Reflect.defineProperty(globalThis, key, { writable: false, configurable: false });
  }
  Object.preventExtensions(globalThis);
}
