// Amplify's GraphQL client. Each subscription has a name and keeps what it got.

import { Amplify } from 'aws-amplify';
import { signIn } from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
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
  /** `userPool` has the `userPoolId`, `userPoolClientId` and `userPoolEndpoint`; `credentials` are those of IAM. */
  configure({ endpoint, apiKey, userPool, credentials, region = 'us-east-1' }) {
    const Auth = { Cognito: userPool };
    cognitoUserPoolsTokenProvider.setAuthConfig(Auth);
    Amplify.configure(
      { Auth, API: { GraphQL: { endpoint, region, defaultAuthMode: 'apiKey', apiKey } } },
      {
        Auth: {
          tokenProvider: cognitoUserPoolsTokenProvider,
          credentialsProvider: {
            getCredentialsAndIdentityId: () => ({ credentials }),
            clearCredentialsAndIdentityId: () => {},
          },
        },
      },
    );
    client = generateClient();
  },

  /** Signs in as Amplify does by itself: by the Secure Remote Password protocol. */
  signIn: async ({ username, password }) => (await signIn({ username, password })).nextStep.signInStep,

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
