// The page: two phones side by side.

import { Session, settings } from "./api.js";
import { Phone } from "./phone.js";

const LIST = "query { listNotebooks(limit: 100) { items { id group } } }";
const CREATE = "mutation($input: CreateNotebookInput!) { createNotebook(input: $input) { id } }";

const copyOf = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const phones = [];

// The notebook that the user's group shares; the first phone to come makes it.
async function sharedNotebook(session) {
  const id = `page-${session.group ?? "own"}`;
  const { items } = (await session.ask(LIST)).listNotebooks;
  if (!items.some((each) => each.id === id)) {
    const input = { id, name: "Shared notebook", group: session.group };
    await session.ask(CREATE, { input }).catch((error) => {
      if (error.type !== "ConflictUnhandled") throw error;
    });
  }
  return id;
}

class Pane {
  constructor(number, configuration, user) {
    this.element = copyOf("phone");
    this.configuration = configuration;
    this.find(".avatar").classList.add(`user-${number}`);
    this.name(user?.name ?? `Phone ${number}`);
    this.find(".switch input").addEventListener("change", ({ target }) => this.phone?.switch(target.checked));
    this.find(".sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      const { username, password } = event.target.elements;
      this.signIn(username.value, password.value, username.value);
    });
    this.find(".add").addEventListener("submit", (event) => {
      event.preventDefault();
      this.phone.create(event.target.elements.title.value.trim());
      event.target.reset();
    });
    document.getElementById("phones").append(this.element);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  name(name) {
    this.find(".name").textContent = name;
    this.find(".avatar").textContent = name[0].toUpperCase();
  }

  async signIn(username, password, name) {
    const problem = this.find(".problem");
    problem.textContent = "";
    try {
      const session = new Session(this.configuration, username, password);
      await session.signIn();
      const notebook = await sharedNotebook(session);
      this.name(name);
      this.phone = new Phone(session, notebook, () => this.render());
      phones.push(this.phone);
      this.find(".sign-in").hidden = true;
      this.find(".content").hidden = false;
      this.phone.switch(this.find(".switch input").checked);
    } catch (error) {
      problem.textContent = `${error.message}`;
    }
  }

  render() {
    const { phone } = this;
    const queued = phone.queue.length;
    this.element.classList.toggle("offline", phone.status !== "online");
    this.find(".status").textContent = queued ? `${phone.status} · ${queued} waiting` : phone.status;
    this.find(".switch .label").textContent = phone.online ? "online" : "offline";
    const notes = phone.view();
    this.find(".empty").hidden = notes.length > 0;
    this.renderNotes(notes);
    this.find(".conflicts").replaceChildren(...phone.conflicts.map((each) => this.conflict(each)));
    this.find(".journal").replaceChildren(...phone.journal.map(({ at, text }) => {
      const line = document.createElement("li");
      line.textContent = `${at.toLocaleTimeString()} ${text}`;
      return line;
    }));
    showAgreement();
  }

  // Keeps the elements of notes that stay, so that somebody can go on typing while others change.
  renderNotes(notes) {
    const list = this.find(".notes");
    const before = new Map([...list.children].map((element) => [element.dataset.id, element]));
    const elements = notes.map((note) => {
      const element = before.get(note.id) ?? this.note(note.id);
      element.classList.toggle("waiting", Boolean(note.waiting));
      element.querySelector(".state").textContent = note.waiting ? "waiting to be sent" : `version ${note._version}`;
      for (const field of ["title", "body"]) {
        const input = element.querySelector(`.${field}`);
        if (document.activeElement !== input) input.value = note[field] ?? "";
      }
      return element;
    });
    if (elements.length !== list.children.length || elements.some((each, index) => list.children[index] !== each)) {
      const focused = document.activeElement;
      list.replaceChildren(...elements);
      if (list.contains(focused)) focused.focus();
    }
  }

  note(id) {
    const element = copyOf("note");
    element.dataset.id = id;
    for (const field of ["title", "body"]) {
      const input = element.querySelector(`.${field}`);
      input.addEventListener("change", () => {
        const shown = this.phone.view().find((each) => each.id === id);
        if (shown && input.value !== (shown[field] ?? "") && (field === "body" || input.value.trim())) {
          this.phone.edit(id, { [field]: input.value });
        }
        input.blur();
      });
    }
    element.querySelector(".delete").addEventListener("click", () => this.phone.remove(id));
    return element;
  }

  conflict(conflict) {
    const { operation, input, theirs, fields } = conflict;
    const element = copyOf("conflict");
    const shown = (note) => fields.map((field) => note[field] || "–").join(" / ");
    element.querySelector(".what").textContent = operation === "remove"
      ? `“${theirs.title}” was edited meanwhile, so it was not deleted`
      : theirs._deleted ? `“${theirs.title}” was deleted meanwhile and stays deleted`
        : `“${theirs.title}” was edited on both phones`;
    element.querySelector(".mine").textContent = operation === "remove" ? "delete" : shown(input);
    element.querySelector(".theirs").textContent = theirs._deleted ? "deleted" : operation === "remove" ? theirs.title : shown(theirs);
    const take = element.querySelector(".take");
    take.textContent = theirs._deleted ? "OK" : "Keep theirs";
    take.addEventListener("click", () => this.phone.settle(conflict, false));
    const insist = element.querySelector(".insist");
    insist.hidden = theirs._deleted;
    insist.textContent = operation === "remove" ? "Delete it" : "Use mine";
    insist.addEventListener("click", () => this.phone.settle(conflict, true));
    return element;
  }
}

function showAgreement() {
  const element = document.getElementById("agreement");
  if (phones.length < 2) return;
  const seen = phones.map((phone) => JSON.stringify(phone.view().map(({ id, title, body }) => [id, title, body ?? ""])));
  const same = seen.every((each) => each === seen[0]);
  element.className = same ? "same" : "different";
  element.textContent = same ? "Both phones show the same notes." : "The phones differ until both are online.";
}

try {
  const configuration = await settings();
  [0, 1].forEach((index) => {
    const user = configuration.users[index];
    const pane = new Pane(index + 1, configuration, user);
    if (user) pane.signIn(user.username, user.password, user.name);
  });
} catch (error) {
  const element = document.getElementById("agreement");
  element.className = "different";
  element.textContent = error.message;
}
