// A phone's copy of a notebook, and the mutations that wait for a connection. No page in here.

import { Refused } from "./api.js";

const NOTE = "id notebookId title body owner audience _version _lastChangedAt _deleted";
const MUTATIONS = {
  create: `mutation($input: CreateNoteInput!) { note: createNote(input: $input) { ${NOTE} _conflicts } }`,
  update: `mutation($input: UpdateNoteInput!) { note: updateNote(input: $input) { ${NOTE} _conflicts } }`,
  remove: `mutation($input: DeleteNoteInput!) { note: deleteNote(input: $input) { ${NOTE} _conflicts } }`,
};
const SYNC = `query($lastSync: AWSTimestamp, $nextToken: String) {
  syncNotes(lastSync: $lastSync, nextToken: $nextToken, limit: 100) { items { ${NOTE} } nextToken startedAt full }
}`;
const SUBSCRIPTIONS = ["onCreateNote", "onUpdateNote", "onDeleteNote"].map((field) =>
  `subscription($notebookId: ID) { note: ${field}(notebookId: $notebookId) { ${NOTE} } }`);
const RETRY = 3000;

export class Phone {
  constructor(session, notebookId, changed) {
    Object.assign(this, { session, notebookId, changed });
    this.key = `notes ${session.settings.api} ${session.credentials.USERNAME} ${notebookId}`;
    const kept = JSON.parse(localStorage.getItem(this.key) ?? "null") ?? {};
    this.notes = new Map(kept.notes ?? []); // as the API has them, deleted ones included
    this.queue = kept.queue ?? [];
    this.conflicts = kept.conflicts ?? [];
    this.lastSync = kept.lastSync ?? null;
    this.journal = [];
    this.online = true;
    this.status = "connecting";
  }

  // The notes as this phone shows them: those of the API with the waiting mutations applied.
  view() {
    const shown = new Map([...this.notes].map(([id, note]) => [id, { ...note }]));
    for (const { operation, input } of this.queue) {
      const note = shown.get(input.id) ?? { id: input.id, _lastChangedAt: Infinity };
      if (note._deleted) continue;
      shown.set(input.id, { ...note, ...input, _deleted: operation === "remove", waiting: true });
    }
    const order = (note) => `${note.title}`.toLowerCase();
    return [...shown.values()].filter((note) => !note._deleted).sort((one, other) => order(one).localeCompare(order(other)));
  }

  // --- what the user does

  create(title) {
    this.#enqueue("create", { id: crypto.randomUUID(), notebookId: this.notebookId, title, body: "" });
  }

  edit(id, fields) {
    const waiting = this.queue.find((each) => each.input.id === id && each.operation !== "remove" && !each.sent);
    if (waiting) {
      Object.assign(waiting.input, fields);
      this.#save();
    } else this.#enqueue("update", { id, _version: this.notes.get(id)?._version, ...fields });
  }

  remove(id) {
    const unsent = (each) => each.input.id === id && !each.sent;
    const known = this.notes.has(id) || this.queue.some((each) => each.input.id === id && each.sent);
    this.queue = this.queue.filter((each) => !unsent(each));
    if (known) this.#enqueue("remove", { id, _version: this.notes.get(id)?._version });
    else this.#save();
  }

  // Decides a conflict: `mine` sends the edit again, now in the knowledge of the other one.
  settle(conflict, mine) {
    this.conflicts = this.conflicts.filter((each) => each !== conflict);
    if (mine) this.#enqueue(conflict.operation, { ...conflict.input, _version: this.notes.get(conflict.input.id)._version });
    else this.#save();
  }

  switch(online) {
    this.online = online;
    this.#log(online ? "switched online" : "switched offline");
    if (online) this.connect();
    else this.#disconnect("offline");
  }

  // --- the connection

  async connect() {
    if (!this.online || this.end) return;
    this.#show("connecting");
    this.end = this.session.subscribe(SUBSCRIPTIONS, { notebookId: this.notebookId }, {
      // What was missed is never sent again: after each connection a phone pulls.
      onReady: () => this.#catchUp(),
      onData: ({ note }) => this.#receive(note),
      onEnd: (reason) => this.#lost(reason),
    });
  }

  #disconnect(status) {
    this.end?.();
    this.end = null;
    clearTimeout(this.retry);
    this.#show(status);
  }

  async #lost(reason) {
    this.#disconnect(reason ? `no connection: ${reason}` : "no connection, trying again");
    this.retry = setTimeout(async () => {
      await this.session.signIn().catch(() => {}); // the token can have expired meanwhile
      this.connect();
    }, RETRY);
  }

  async #catchUp() {
    try {
      await this.#pull();
      this.#show("online");
      await this.#flush();
    } catch (error) {
      if (this.online) this.#lost(error.message);
    }
  }

  async #pull() {
    let nextToken = null;
    let startedAt = null;
    const found = [];
    let full = false;
    do {
      const page = (await this.session.ask(SYNC, { lastSync: this.lastSync, nextToken })).syncNotes;
      found.push(...page.items);
      startedAt ??= page.startedAt;
      ({ nextToken, full } = page);
    } while (nextToken);
    if (full) this.notes.clear();
    found.filter((note) => note.notebookId === this.notebookId).forEach((note) => this.#apply(note));
    this.lastSync = startedAt;
    this.#save();
  }

  #receive(note) {
    const own = this.queue.some((each) => each.sent && each.input.id === note.id); // its answer is still to come
    if (!this.#apply(note) || own) return;
    this.#log(note._deleted ? `“${note.title}” was deleted` : `received “${note.title}”, version ${note._version}`);
    this.#save();
  }

  // Returns whether this phone did not know the note so.
  #apply(note) {
    const known = this.notes.get(note.id);
    if (known && known._version >= note._version) return false;
    this.notes.set(note.id, note);
    return true;
  }

  // --- the queue

  #enqueue(operation, input) {
    this.queue.push({ operation, input });
    this.#save();
    this.#flush();
  }

  async #flush() {
    if (this.flushing) return;
    this.flushing = true;
    try {
      while (this.queue.length && this.online && this.status === "online") await this.#send(this.queue[0]);
    } catch (error) {
      if (this.online) this.#lost(error.message);
    } finally {
      this.flushing = false;
    }
  }

  // A mutation whose answer was lost is sent again unchanged: the API recognises it.
  async #send(entry) {
    entry.sent = true;
    this.#save();
    try {
      const { note } = await this.session.ask(MUTATIONS[entry.operation], { input: entry.input });
      this.#finish(entry, note);
      const kept = note._conflicts ?? [];
      if (kept.length) this.#conflict(entry, note, kept);
      else this.#log(note._deleted ? `deleted “${note.title}”` : `sent “${note.title}”, now version ${note._version}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#finish(entry, error.type === "ConflictUnhandled" ? error.data : null);
      if (error.type === "ConflictUnhandled") this.#conflict(entry, error.data, ["title", "body"]);
      else this.#log(`refused: ${error.message}`);
    }
    this.#save();
  }

  #finish(entry, note) {
    this.queue = this.queue.filter((each) => each !== entry);
    if (!note) return;
    this.#apply(note);
    // Later mutations of the note here are based on this one.
    for (const later of this.queue) {
      if (later.input.id === note.id && !later.sent && later.operation !== "create") later.input._version = note._version;
    }
  }

  #conflict({ operation, input }, theirs, fields) {
    const edited = fields.filter((field) => Object.hasOwn(input, field));
    const names = ["id", ...edited];
    const mine = Object.fromEntries(Object.entries(input).filter(([name]) => names.includes(name)));
    this.#log(`conflict about “${theirs.title}”`);
    this.conflicts.push({ operation, input: mine, theirs, fields: edited });
  }

  // --- what others see

  #show(status) {
    this.status = status;
    this.changed();
  }

  #log(text) {
    this.journal = [{ at: new Date(), text }, ...this.journal].slice(0, 5);
    this.changed();
  }

  #save() {
    const { queue, conflicts, lastSync } = this;
    localStorage.setItem(this.key, JSON.stringify({ notes: [...this.notes], queue, conflicts, lastSync }));
    this.changed();
  }
}
