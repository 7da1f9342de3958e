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
const refusals = [];
let syncs = 0;
const network = globalThis.fetch;
let status = null;
let emptied = 0; // how often all changes had been sent
let acknowledged = 0; // subscriptions, since the network last came

Hub.listen('datastore', ({ payload }) => {
  events.push(payload.event);
  if (payload.event === 'outboxStatus' && payload.data.isEmpty) emptied += 1;
});
Hub.listen('api', ({ payload }) => { if (payload.event === 'Subscription ack') acknowledged += 1; });

/** Waits until the API sends the changes of other clients: DataStore itself does not wait for its three subscriptions. */
const live = () => until(() => acknowledged === 3);

/** Answers mutations itself while `status` is set; notes the errors that the API answers with, and counts the syncs. */
globalThis.fetch = async (url, options) => {
  if (!String(options?.body).includes('mutation')) {
    if (String(options?.body).includes('syncNotes')) syncs += 1;
    return network(url, options);
  }
  if (status) {
    const body = JSON.stringify({ errors: [{ message: `Answered with ${status}` }] });
    return new Response(body, { status, headers: { 'content-type': 'application/json' } });
  }
  const response = await network(url, options);
  for (const { errorType, data } of (await response.clone().json()).errors ?? []) refusals.push({ errorType, data });
  return response;
};

/** Makes a change, and waits until it was answered: with success, or with an error. */
async function sent(change) {
  const [before, failed] = [emptied, errors.length];
  const changed = await change();
  await until(() => emptied > before || errors.length > failed);
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
    await until(() => events.includes('ready'));
    await live();
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
    await until(() => events.slice(seen).includes('networkStatus'));
  },

  /** Tells DataStore that the network came back, and waits until it has sent its changes and gets those of others. */
  async reconnect() {
    acknowledged = 0;
    await sent(() => globalThis.window.dispatchEvent(new Event('online')));
    await live();
  },

  /** Changes a title without waiting until it is sent. */
  async editOffline({ title, newTitle }) {
    const note = await found(title);
    await DataStore.save(Note.copyOf(note, (draft) => { draft.title = newTitle; }));
  },

  /** Deletes a note without waiting until that is sent. */
  async removeOffline({ title }) { await DataStore.delete(await found(title)); },

  /** Waits until a note with the title is in the storage. */
  async arrived({ title }) { await until(() => found(title)); },

  syncs: () => syncs,
  refusals: () => refusals.splice(0),
  titles: async () => (await DataStore.query(Note)).map(({ title }) => title).sort(),
  errors: () => errors.splice(0),
});
