// RxDB with its memory storage, replicated with the API of the pattern. Each phone is a database with a user's token.

import { createRxDatabase } from 'rxdb/plugins/core';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { serve } from './actions.mjs';

const NOTE = 'id notebookId title body audience _version _lastChangedAt _deleted';
const SYNC = `query ($lastSync: AWSTimestamp, $nextToken: String, $limit: Int) {
  syncNotes(lastSync: $lastSync, nextToken: $nextToken, limit: $limit) { items { ${NOTE} } nextToken startedAt } }`;
const text = { type: 'string' };
const SCHEMA = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 100 },
    notebookId: text,
    title: text,
    body: text,
    version: { type: 'integer' },
  },
};
const phones = new Map();

const document = ({ id, notebookId, title, body, _version, _deleted }) => (
  { id, notebookId, title, body: body ?? '', version: _version, _deleted: Boolean(_deleted) });

async function ask(phone, query, variables) {
  if (!phone.isOnline) throw new Error('offline');
  const headers = { 'content-type': 'application/json', authorization: phone.token };
  const answer = await fetch(phone.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  if (phone.answersToLose > 0 && query.startsWith('mutation')) {
    phone.answersToLose -= 1;
    throw new Error('the answer is lost');
  }
  return answer.json();
}

async function data(phone, query, variables) {
  const answer = await ask(phone, query, variables);
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return Object.values(answer.data)[0];
}

/** All pages of a sync; the checkpoint has the next lastSync. */
async function pull(phone, lastSync) {
  const documents = [];
  let nextToken, started;
  do {
    const page = await data(phone, SYNC, { nextToken, lastSync, limit: 2 });
    documents.push(...page.items.map(document));
    started ??= page.startedAt;
    ({ nextToken } = page);
  } while (nextToken);
  return { documents, checkpoint: { lastSync: started } };
}

/** Sends a row's change; returns the master state if it is in conflict. */
async function push(phone, { newDocumentState: mine, assumedMasterState: known }) {
  const operation = mine._deleted ? 'delete' : known ? 'update' : 'create';
  const input = { id: mine.id };
  if (operation === 'create') Object.assign(input, { notebookId: mine.notebookId });
  if (operation !== 'delete') {
    for (const name of ['title', 'body']) if (mine[name] !== known?.[name]) input[name] = mine[name];
  }
  if (known) input._version = known.version;
  const name = `${operation[0].toUpperCase()}${operation.slice(1)}`;
  const query = `mutation ($input: ${name}NoteInput!) { ${operation}Note(input: $input) { ${NOTE} } }`;
  const { errors, data: answered } = await ask(phone, query, { input });
  if (errors?.[0].errorType === 'ConflictUnhandled') return document(errors[0].data);
  if (errors) throw new Error(JSON.stringify(errors));
  return document(answered[`${operation}Note`]);
}

await serve({
  async open({ name, url, token }) {
    const database = await createRxDatabase({ name, storage: getRxStorageMemory(), multiInstance: false });
    const phone = { url, token, isOnline: true, answersToLose: 0, conflicts: [] };
    const conflictHandler = {
      isEqual: (one, other) => one.version === other.version && one._deleted === other._deleted
        && one.title === other.title && one.body === other.body,
      resolve({ realMasterState: theirs, newDocumentState: mine, assumedMasterState: known }) {
        // What the API has, and the fields that it alone has not changed.
        if (theirs._deleted) return theirs;
        const merged = { ...theirs };
        for (const field of ['title', 'body']) {
          if (mine[field] === theirs[field]) continue;
          if (known && theirs[field] === known[field]) merged[field] = mine[field];
          else phone.conflicts.push({ id: theirs.id, field });
        }
        return merged;
      },
    };
    const { notes } = await database.addCollections({ notes: { schema: SCHEMA, conflictHandler } });
    phone.notes = notes;
    phone.replication = replicateRxCollection({
      collection: notes,
      replicationIdentifier: 'notes',
      retryTime: 50,
      // RxDB pulls until a batch is not full. Changes of the last 30 seconds come again each time, so no batch may be.
      pull: { batchSize: 100_000, handler: (checkpoint) => pull(phone, checkpoint?.lastSync) },
      push: { batchSize: 1, handler: async ([row]) => {
        // Always what the API has, since the version of an accepted change is new to RxDB.
        return [await push(phone, row)];
      } },
    });
    phones.set(name, phone);
    await phone.replication.awaitInSync();
  },

  switch({ name, isOnline, answersToLose = 0 }) {
    Object.assign(phones.get(name), { isOnline, answersToLose });
  },

  async create({ name, ...note }) { await phones.get(name).notes.insert({ body: '', version: 0, ...note }); },
  async edit({ name, id, ...fields }) { await (await phones.get(name).notes.findOne(id).exec()).patch(fields); },
  async remove({ name, id }) { await (await phones.get(name).notes.findOne(id).exec()).remove(); },

  async sync({ name }) {
    const { replication } = phones.get(name);
    replication.reSync();
    await replication.awaitInSync();
  },

  async notes({ name }) {
    const found = await phones.get(name).notes.find().exec();
    return found.map((each) => { const { id, title, body, version } = each.toJSON(); return { id, title, body, version }; })
      .sort((one, other) => one.id.localeCompare(other.id));
  },

  conflicts: ({ name }) => phones.get(name).conflicts,
  answersToLose: ({ name }) => phones.get(name).answersToLose,
});
