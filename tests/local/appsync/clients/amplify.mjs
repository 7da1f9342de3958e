// Amplify's GraphQL client. Each subscription has a name and keeps what it got.

import { Amplify } from 'aws-amplify';
import { decodeJWT } from 'aws-amplify/auth';
import { CONNECTION_STATE_CHANGE, generateClient } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';
import { describe, serve, until } from './actions.mjs';

const subscriptions = new Map();
const states = [];
let acknowledged = 0;
let client;

Hub.listen('api', ({ payload }) => {
  if (payload.event === CONNECTION_STATE_CHANGE) states.push(payload.data.connectionState);
  if (payload.event === 'Subscription ack') acknowledged += 1;
});

await serve({
  /** `accessToken` is one of a user pool; `credentials` are those of a user or role of IAM. */
  configure({ endpoint, apiKey, accessToken, credentials, region = 'us-east-1' }) {
    Amplify.configure(
      { API: { GraphQL: { endpoint, region, defaultAuthMode: 'apiKey', apiKey } } },
      {
        Auth: {
          tokenProvider: { getTokens: () => ({ accessToken: decodeJWT(accessToken) }) },
          credentialsProvider: {
            getCredentialsAndIdentityId: () => ({ credentials }),
            clearCredentialsAndIdentityId: () => {},
          },
        },
      },
    );
    client = generateClient();
  },

  async ask({ query, variables, authMode, authToken }) {
    try {
      return await client.graphql({ query, variables, authMode, authToken });
    } catch (refused) {
      if (!refused.errors) throw refused;
      return { errors: refused.errors.map(({ message, errorType }) => ({ message, errorType })) };
    }
  },

  /** Starts a subscription, and waits until the server has acknowledged or refused it. */
  async subscribe({ name, query, variables, authMode, authToken }) {
    const before = acknowledged;
    const received = { events: [], error: null };
    received.subscription = client.graphql({ query, variables, authMode, authToken }).subscribe({
      next: ({ data }) => received.events.push(data),
      error: (error) => { received.error = describe(error); },
    });
    subscriptions.set(name, received);
    await until(() => received.error || acknowledged > before);
  },

  events: ({ name, atLeast = 1 }) => until(() => {
    const { events } = subscriptions.get(name);
    return events.length >= atLeast && events;
  }),

  failure: ({ name }) => until(() => subscriptions.get(name).error),

  unsubscribe({ name }) {
    subscriptions.get(name).subscription.unsubscribe();
  },

  /** How often the server has acknowledged a subscription so far, at least `atLeast` times. */
  acknowledgements: ({ atLeast = 0 }) => until(() => acknowledged >= atLeast && { acknowledged }),

  /** The states of the connection since the last call. */
  states: () => states.splice(0),
});
