// Serves actions to a test: lines of JSON come on standard input, and each is answered by one on standard output.

import { Console } from 'node:console';
import readline from 'node:readline';
import { WebSocket } from 'ws';

// Standard output is for answers: what the clients print goes to standard error.
globalThis.console = new Console(process.stderr, process.stderr);
// Node has a WebSocket of its own since version 22.
globalThis.WebSocket ??= WebSocket;

/** Runs the actions, one after the other, until standard input ends. */
export async function serve(actions) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { action, arguments: given } = JSON.parse(line);
    let answer;
    try {
      answer = { result: (await actions[action](given)) ?? null };
    } catch (error) {
      answer = { error: describe(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}

/** Resolves when `look` returns something, which it also returns; rejects after some seconds. */
export async function until(look, seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} seconds: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function describe(error) {
  if (error instanceof Error) return error.stack;
  return JSON.stringify(error);
}
