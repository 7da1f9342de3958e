// Amplify's DataStore with its storage in memory: one phone, replicated with the API of the pattern.

import { createRequire } from 'node:module';
import { serve, until } from './actions.mjs';

// DataStore looks for IndexedDB in `window`, in Node too; without it, it keeps its records in memory. When it is imported, it
// begins to listen for the window's events `offline` and `online`.
globalThis.window = Object.assign(new EventTarget(), { navigator: { onLine: true } });
// Node imports DataStore as CommonJS; as modules, the others would be a second Amplify that DataStore does not know.
const require = createRequire(import.meta.url);
const { Amplify } = require('aws-amplify');
const { DataStore, initSchema } = require('aws-amplify/datastore');
const { Hub } = require('aws-amplify/utils');

const field = (name, type, isRequired = false, isReadOnly = false) => (
  { name, type, isRequired, isReadOnly, isArray: false, attributes: [] });
const { Note } = initSchema({
  version: 'notes',
  codegenVersion: '3.4.4',
  enums: {},
  nonModels: {},
  models: {
    Note: {
      name: 'Note',
      pluralName: 'Notes',
      syncable: true,
      attributes: [{ type: 'model', properties: {} }],
      fields: {
        id: field('id', 'ID', true),
        notebookId: field('notebookId', 'ID', true),
        title: field('title', 'String', true),
        body: field('body', 'String'),
        audience: field('audience', 'ID', false, true),
      },
    },
  },
});
const errors = [];
const events = [];
const network = globalThis.fetch;
let status = null;
let emptied = 0; // how often all changes had been sent

Hub.listen('datastore', ({ payload }) => {
  events.push(payload.event);
  if (payload.event === 'outboxStatus' && payload.data.isEmpty) emptied += 1;
});

/** What a mutation is answered with while `status` is set. */
globalThis.fetch = (url, options) => {
  if (status && String(options?.body).includes('mutation')) {
    const body = JSON.stringify({ errors: [{ message: `Answered with ${status}` }] });
    return Promise.resolve(new Response(body, { status, headers: { 'content-type': 'application/json' } }));
  }
  return network(url, options);
};

/** Makes a change, and waits until it was answered: with success, or with an error. */
async function sent(change) {
  const [before, failed] = [emptied, errors.length];
  const changed = await change();
  await until(() => emptied > before || errors.length > failed, 5);
  return changed;
}

const found = async (title) => (await DataStore.query(Note)).find((each) => each.title === title);

await serve({
  async start({ url, token }) {
    const accessToken = { toString: () => token, payload: {} };
    Amplify.configure(
      { API: { GraphQL: { endpoint: url, region: 'us-east-1', defaultAuthMode: 'userPool' } } },
      { Auth: { tokenProvider: { getTokens: () => Promise.resolve({ accessToken }) } } },
    );
    DataStore.configure({ errorHandler: (error) => errors.push(`${error.operation}: ${error.message}`) });
    await DataStore.start();
    await until(() => events.includes('ready'), 6);
  },

  answer(given) { ({ status } = given); },

  async create({ title, notebookId }) {
    await sent(() => DataStore.save(new Note({ title, notebookId })));
  },

  async edit({ title, newTitle }) {
    const note = await found(title);
    await sent(() => DataStore.save(Note.copyOf(note, (draft) => { draft.title = newTitle; })));
  },

  async remove({ title }) {
    const note = await found(title);
    await sent(() => DataStore.delete(note));
  },

  /** Tells DataStore that the network went away. */
  async disconnect() {
    const seen = events.length;
    globalThis.window.dispatchEvent(new Event('offline'));
    await until(() => events.slice(seen).includes('networkStatus'), 5);
  },

  /** Tells DataStore that the network came back, and waits until it has sent its changes. */
  async reconnect() {
    await sent(() => globalThis.window.dispatchEvent(new Event('online')));
  },

  /** Changes a title without waiting until it is sent. */
  async editOffline({ title, newTitle }) {
    const note = await found(title);
    await DataStore.save(Note.copyOf(note, (draft) => { draft.title = newTitle; }));
  },

  titles: async () => (await DataStore.query(Note)).map(({ title }) => title).sort(),
  errors: () => errors.splice(0),
});
