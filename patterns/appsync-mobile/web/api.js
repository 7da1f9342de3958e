// Talks to the user pool and to AppSync: sign-in, queries and mutations over HTTP, subscriptions over a WebSocket.

export class Refused extends Error {
  constructor(errors) {
    super(errors.map((each) => each.message).join("; "));
    this.type = errors[0]?.errorType;
    this.data = errors[0]?.data;
  }
}

// The settings of the page: `config.json` beside it, which `blueprints` serves, or the query of the page's own URL.
export async function settings() {
  const query = new URLSearchParams(location.search);
  if (query.has("api")) {
    return { api: query.get("api"), realtime: query.get("realtime"), client: query.get("client"),
      cognito: `https://cognito-idp.${query.get("region")}.amazonaws.com/`, users: [] };
  }
  const answer = await fetch("config.json");
  if (!answer.ok) throw new Error("There is no config.json here. Add ?api=…&realtime=…&client=…&region=… to the URL.");
  const { outputs, region, endpoint, users } = await answer.json();
  return { api: outputs.GraphQLUrl, realtime: outputs.RealtimeUrl, client: outputs.AppClientId,
    cognito: endpoint ?? `https://cognito-idp.${region}.amazonaws.com/`, users: users ?? [] };
}

export class Session {
  constructor(settings, username, password) {
    this.settings = settings;
    this.credentials = { USERNAME: username, PASSWORD: password };
  }

  async signIn() {
    const answer = await fetch(this.settings.cognito, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
      },
      body: JSON.stringify({
        AuthFlow: "USER_PASSWORD_AUTH", ClientId: this.settings.client, AuthParameters: this.credentials,
      }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Refused([{ message: body.message ?? body.__type, errorType: body.__type }]);
    if (!body.AuthenticationResult) throw new Refused([{ message: `The user has to answer ${body.ChallengeName} first.` }]);
    this.token = body.AuthenticationResult.AccessToken;
    const middle = this.token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    this.group = (JSON.parse(atob(middle))["cognito:groups"] ?? [])[0];
  }

  // The data of an answer. Throws Refused if it has errors, and what fetch throws if there is no connection.
  async ask(query, variables = {}) {
    let answer = await this.#post(query, variables);
    if (answer.status === 401) {
      await this.signIn();
      answer = await this.#post(query, variables);
    }
    const { data, errors } = await answer.json();
    if (errors?.length) throw new Refused(errors);
    return data;
  }

  #post(query, variables) {
    return fetch(this.settings.api, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: this.token },
      body: JSON.stringify({ query, variables }),
    });
  }

  // Subscribes to documents over one connection; `onData` gets the data of each message, `onEnd` why it ended.
  subscribe(documents, variables, { onReady, onData, onEnd }) {
    const authorization = { host: new URL(this.settings.api).host, Authorization: this.token };
    const header = btoa(JSON.stringify(authorization)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const socket = new WebSocket(this.settings.realtime, ["graphql-ws", `header-${header}`]);
    const waiting = new Set(documents.keys());
    let silence;
    const heard = (patience) => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.close(), patience);
    };
    const begin = () => documents.forEach((query, id) => socket.send(JSON.stringify({
      id: String(id), type: "start",
      payload: { data: JSON.stringify({ query, variables }), extensions: { authorization } },
    })));
    socket.onopen = () => {
      heard(15000);
      socket.send(JSON.stringify({ type: "connection_init" }));
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      heard(300000);
      if (message.type === "connection_ack") begin();
      else if (message.type === "start_ack" && waiting.delete(Number(message.id)) && waiting.size === 0) onReady();
      else if (message.type === "data") onData(message.payload.data);
      else if (["error", "connection_error"].includes(message.type)) {
        socket.close(1000, message.payload?.errors?.[0]?.message?.slice(0, 100));
      }
    };
    socket.onclose = ({ reason }) => {
      clearTimeout(silence);
      onEnd(reason);
    };
    return () => {
      socket.onclose = null;
      clearTimeout(silence);
      socket.close();
    };
  }
}
