#!/usr/bin/env bash
# Amplify DataStore (aws-amplify 6.22.1) says that its subscriptions are established before the first one is.
#
# DataStore subscribes to the changes of a model, then syncs, so that no change between the two is missed. AppSync
# acknowledges each subscription with `start_ack`, and its events come from then on. DataStore waits for a list of promises
# that is still empty: it reports `subscriptionsEstablished` and syncs at once. A change that another client makes between the
# sync and the acknowledgement reaches it neither by the sync nor live; it comes with the next sync.
#
# Here `fetch` in memory answers the sync, and the WebSocket never opens.
#
# Seen:    DataStore: subscriptionsEstablished, syncQueriesReady, ready; WebSockets opened: 0 of 1
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/package.json" <<'JSON'
{ "private": true, "type": "module", "dependencies": { "aws-amplify": "6.22.1" } }
JSON
cat > "$folder/subscriptions.mjs" <<'JAVASCRIPT'
import { createRequire } from 'node:module';

let made = 0;
globalThis.WebSocket = class {
  readyState = 0; // connecting, for ever
  constructor() { made += 1; }
  send() {}
  close() {}
};
globalThis.fetch = async () => new Response(
  JSON.stringify({ data: { syncNotes: { items: [], nextToken: null, startedAt: 1 } } }),
  { headers: { 'content-type': 'application/json' } },
);
// DataStore looks for IndexedDB in `window`; without it, it keeps its records in memory.
globalThis.window = Object.assign(new EventTarget(), { navigator: { onLine: true } });

const require = createRequire(import.meta.url);
const { Amplify } = require('aws-amplify');
const { DataStore, initSchema } = require('aws-amplify/datastore');
const { Hub } = require('aws-amplify/utils');
const field = (name, type) => ({ name, type, isRequired: true, isReadOnly: false, isArray: false, attributes: [] });
initSchema({
  version: 'one',
  codegenVersion: '3.4.4',
  enums: {},
  nonModels: {},
  models: {
    Note: {
      name: 'Note',
      pluralName: 'Notes',
      syncable: true,
      attributes: [{ type: 'model', properties: {} }],
      fields: { id: field('id', 'ID'), title: field('title', 'String') },
    },
  },
});

const events = [];
const ready = new Promise((resolve) => {
  Hub.listen('datastore', ({ payload: { event } }) => {
    events.push(event);
    if (event === 'ready') resolve();
  });
});
const endpoint = 'https://example.appsync-api.us-east-1.amazonaws.com/graphql';
Amplify.configure({ API: { GraphQL: { endpoint, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey: 'da2-example' } } });
DataStore.start();
await Promise.race([ready, new Promise((resolve) => { setTimeout(resolve, 10000); })]);
const told = events.filter((each) => ['subscriptionsEstablished', 'syncQueriesReady', 'ready'].includes(each));
console.log(`DataStore: ${told.join(', ')}`);
console.log(`WebSockets opened: 0 of ${made}`);
process.exit(0);
JAVASCRIPT
(cd "$folder" && npm install --silent --ignore-scripts --no-audit --no-fund && node subscriptions.mjs) | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
DataStore: subscriptionsEstablished, syncQueriesReady, ready
WebSockets opened: 0 of 1
SEEN
