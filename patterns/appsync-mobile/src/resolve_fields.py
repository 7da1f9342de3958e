"""AppSync asks for a field, or for one field of many parents: resolve it."""

from dataclasses import dataclass
from typing import Any

from callers import Caller
from field_requests import Arguments, Envelope, Event, Parent, Requests
from filters import subscription_groups
from merge_notes import merge
from notebooks import Notebooks, Rules, public
from page_tokens import PageTokens
from record_table import NOTE, NOTEBOOK, RecordTable, open_table
from versions import STRATEGIES, Outcome

from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed, whole_number


def _strategy(text: str) -> str:
    if text not in STRATEGIES:
        raise ValueError(f"{text!r} is none of {', '.join(STRATEGIES)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets."""

    table: str
    conflict_strategy: str = parsed(_strategy)
    tombstone_days: int = whole_number(1)


def build(settings: Settings, table: RecordTable) -> Notebooks:
    """Put the parts together."""
    tokens = PageTokens(lambda proposed: table.shared_value("page-token-key", proposed))
    return Notebooks(table, tokens, Rules(settings.conflict_strategy, settings.tombstone_days, merge))


logger = Logger()
metrics = Metrics()
settings = load(Settings)
notebooks = build(settings, open_table(settings.table))
requests = Requests()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: Event | list[Event], context: Any) -> Envelope | list[Envelope]:
    """Resolve one event, or a batch of events of the same field."""
    answer = requests.answer(event, context)
    _report(event, answer)
    return answer


@requests.field("Query.getNotebook")
def get_notebook(caller: Caller, given: Arguments) -> Any:
    """One notebook."""
    return notebooks.get(caller, NOTEBOOK, given["id"])


@requests.field("Query.getNote")
def get_note(caller: Caller, given: Arguments) -> Any:
    """One note."""
    return notebooks.get(caller, NOTE, given["id"])


@requests.field("Query.listNotebooks")
def list_notebooks(caller: Caller, given: Arguments) -> Any:
    """The notebooks of the caller and of its groups."""
    return notebooks.list_notebooks(caller, given.get("limit"), given.get("nextToken"))


@requests.field("Query.listNotes")
def list_notes(caller: Caller, given: Arguments) -> Any:
    """The notes of a notebook."""
    notebook = notebooks.notebook(caller, given["notebookId"])
    return notebooks.list_notes(caller, notebook, given.get("limit"), given.get("nextToken"))


@requests.field("Query.syncNotebooks")
def sync_notebooks(caller: Caller, given: Arguments) -> Any:
    """The notebooks that changed since the client's last visit."""
    return _sync(caller, NOTEBOOK, given)


@requests.field("Query.syncNotes")
def sync_notes(caller: Caller, given: Arguments) -> Any:
    """The notes that changed since the client's last visit."""
    return _sync(caller, NOTE, given)


@requests.children("Notebook.notes")
def notes_of_notebooks(parents: list[Parent]) -> list[Any]:
    """The notes of each notebook."""
    return notebooks.lists_of_notes(parents)


@requests.children("Note.notebook")
def notebooks_of_notes(parents: list[Parent]) -> list[Any]:
    """The notebook of each note, read at once."""
    return list(notebooks.notebooks_of((note, caller) for note, caller, _ in parents))


@requests.field("Mutation.createNotebook")
def create_notebook(caller: Caller, given: Arguments) -> Any:
    """Create a notebook."""
    return _changed(notebooks.create_notebook(caller, given["input"]), "NotebooksCreated")


@requests.field("Mutation.createNote")
def create_note(caller: Caller, given: Arguments) -> Any:
    """Create a note. There is nothing that a condition could be about: Amplify's clients send null."""
    return _changed(notebooks.create_note(caller, given["input"]), "NotesCreated")


@requests.field("Mutation.updateNote")
def update_note(caller: Caller, given: Arguments) -> Any:
    """Change a note."""
    return _changed(notebooks.update_note(caller, given["input"], given.get("condition")), "NotesUpdated")


@requests.field("Mutation.deleteNote")
def delete_note(caller: Caller, given: Arguments) -> Any:
    """Delete a note."""
    return _changed(notebooks.delete_note(caller, given["input"], given.get("condition")), "NotesDeleted")


@requests.field("Mutation.addSystemNote")
def add_system_note(caller: Caller, given: Arguments) -> Any:
    """Create a note for a back end; the schema lets only requests signed with AWS credentials in."""
    return _changed(notebooks.add_system_note(caller, given["input"]), "NotesCreated")


@requests.field("Subscription.onCreateNote", "Subscription.onUpdateNote", "Subscription.onDeleteNote")
def subscribe(caller: Caller, given: Arguments) -> Any:
    """The filter by which AppSync chooses what this subscriber gets: only notes that it may read."""
    audiences = caller.audiences
    if (notebook_id := given.get("notebookId")) is not None:
        audiences = (notebooks.notebook(caller, notebook_id)["audience"],)
    narrowed = [{name: {"eq": given[name]}} for name in ("notebookId", "owner") if given.get(name) is not None]
    return {"filterGroup": subscription_groups(audiences, {"and": [given.get("filter") or {}, *narrowed]})}


def _sync(caller: Caller, kind: str, given: Arguments) -> Any:
    return notebooks.sync(
        caller,
        kind,
        wanted=given.get("filter"),
        limit=given.get("limit"),
        token=given.get("nextToken"),
        last_sync=given.get("lastSync"),
    )


def _changed(outcome: Outcome, metric: str) -> Any:
    """The record as the client gets it, and what is counted."""
    if outcome.is_changed:
        metrics.add_metric(metric, MetricUnit.Count, 1)
    if outcome.not_applied:
        metrics.add_metric("ConflictsMerged", MetricUnit.Count, 1)
    return {**public(outcome.record), "_conflicts": list(outcome.not_applied)}


def _report(event: Event | list[Event], answer: Envelope | list[Envelope]) -> None:
    """Log which field was resolved and how, without its contents."""
    events = event if isinstance(event, list) else [event]
    answers = answer if isinstance(answer, list) else [answer]
    info = events[0]["info"]
    errors = [each["error"]["type"] for each in answers if "error" in each]
    field = f"{info['parentTypeName']}.{info['fieldName']}"
    logger.info("resolved", extra={"field": field, "items": len(events), "errors": errors})
    if conflicts := errors.count("ConflictUnhandled"):
        metrics.add_metric("ConflictsRefused", MetricUnit.Count, conflicts)
