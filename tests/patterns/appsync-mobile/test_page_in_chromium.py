"""The page in web/, in a headless Chromium: two phones that share a notebook."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints import web_page
from blueprints.demo import DemoStack
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern, find
from blueprints.progress import Progress
from tests import chromium
from tests.chromium import Chromium, Page

pytestmark = pytest.mark.skipif(chromium.find() is None, reason="needs Chromium: apt-get install chromium")

ANN, BOB = 0, 1


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pattern: Pattern = find("appsync-mobile")
    progress = Progress(None)
    folder = tmp_path_factory.mktemp("page")
    with Cloud() as cloud:
        stack = bring_up(cloud, prepare(pattern, progress, {}), progress)
        demo_stack = DemoStack(stack.outputs, cloud.client, None, folder, lambda title: contextlib.nullcontext())
        with web_page.served(pattern, demo_stack, "us-east-1", cloud.endpoint) as url:
            yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


class Phones:
    """What a person does on the page, and sees there."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.wait_until("document.querySelectorAll('.phone:not(.offline) .content:not([hidden])').length === 2")

    def switch(self, phone: int) -> None:
        self.page.run(f"{self._phone(phone)}.querySelector('.switch input').click()")

    def add(self, phone: int, title: str) -> None:
        form = f"{self._phone(phone)}.querySelector('.add')"
        self.page.run(f"{form}.elements.title.value = {json.dumps(title)}; {form}.requestSubmit()")

    def write(self, phone: int, title: str, field: str, text: str) -> None:
        """Change a field of the note with this title."""
        script = f"""(() => {{
          const input = {self._note(phone, title)}.querySelector('.{field}');
          input.value = {json.dumps(text)};
          input.dispatchEvent(new Event('change'));
        }})()"""
        self.page.run(script)

    def delete(self, phone: int, title: str) -> None:
        self.page.run(f"{self._note(phone, title)}.querySelector('.delete').click()")

    def choose(self, phone: int, button: str) -> None:
        """Press a button of the first conflict."""
        self.page.run(f"{self._phone(phone)}.querySelector('.conflict .{button}').click()")

    def wait_for_notes(self, **notes: str) -> None:
        """Wait until both phones show exactly these notes: title and text."""
        wanted = json.dumps([[title, text] for title, text in sorted(notes.items())], separators=(",", ":"))
        for phone in (ANN, BOB):
            self.page.wait_until(f"{json.dumps(wanted)} === JSON.stringify({self._shown(phone)})")

    def notes(self, phone: int) -> dict[str, str]:
        return dict(self.page.run(self._shown(phone)))

    def conflicts(self, phone: int) -> list[str]:
        return list(
            self.page.run(f"[...{self._phone(phone)}.querySelectorAll('.conflict .what')].map(e => e.innerText)")
        )

    def status(self, phone: int) -> str:
        return str(self.page.run(f"{self._phone(phone)}.querySelector('.status').innerText"))

    def wait_for_status(self, phone: int, status: str) -> None:
        self.page.wait_until(f"{self._phone(phone)}.querySelector('.status').innerText === {json.dumps(status)}")

    def agreement(self) -> str:
        return str(self.page.run("document.getElementById('agreement').innerText"))

    @staticmethod
    def _phone(phone: int) -> str:
        return f"document.querySelectorAll('.phone')[{phone}]"

    def _note(self, phone: int, title: str) -> str:
        notes = f"[...{self._phone(phone)}.querySelectorAll('.note')]"
        return f"{notes}.find((each) => each.querySelector('.title').value === {json.dumps(title)})"

    def _shown(self, phone: int) -> str:
        fields = "[each.querySelector('.title').value, each.querySelector('.body').value]"
        return f"[...{self._phone(phone)}.querySelectorAll('.note')].map((each) => {fields}).sort()"


def test_two_phones_edit_offline_and_end_with_the_same_notes(url: str, browser: Chromium, tmp_path: Path) -> None:
    phones = Phones(browser.open(url))
    for title in ("Bread", "Old", "Plants"):
        phones.add(ANN, title)
    phones.wait_for_notes(Bread="", Old="", Plants="")
    assert phones.agreement() == "Both phones show the same notes."

    for phone in (ANN, BOB):
        phones.switch(phone)
    phones.write(ANN, "Bread", "title", "Rye bread")
    phones.write(BOB, "Bread", "body", "from the market")
    phones.write(ANN, "Plants", "title", "Water the plants")
    phones.write(BOB, "Plants", "title", "Sell the plants")
    phones.delete(ANN, "Old")
    phones.write(BOB, "Old", "title", "Not so old")
    assert phones.notes(ANN) == {"Rye bread": "", "Water the plants": ""}
    assert phones.notes(BOB) == {"Bread": "from the market", "Not so old": "", "Sell the plants": ""}
    assert [phones.status(phone) for phone in (ANN, BOB)] == ["offline · 3 waiting"] * 2
    assert phones.agreement() == "The phones differ until both are online."

    phones.switch(ANN)
    phones.wait_for_status(ANN, "online")
    phones.switch(BOB)
    phones.wait_for_notes(**{"Rye bread": "from the market", "Water the plants": ""})
    phones.wait_for_status(BOB, "online")
    assert phones.agreement() == "Both phones show the same notes."
    assert phones.conflicts(ANN) == []
    assert sorted(phones.conflicts(BOB)) == [
        "“Old” was deleted meanwhile and stays deleted",
        "“Water the plants” was edited on both phones",
    ]
    phones.page.screenshot(tmp_path / "conflicts.png")
    assert (tmp_path / "conflicts.png").stat().st_size > 20_000

    order = [what.startswith("“Water") for what in phones.conflicts(BOB)]
    for insists in order:
        phones.choose(BOB, "insist" if insists else "take")
    phones.wait_for_notes(**{"Rye bread": "from the market", "Sell the plants": ""})
    assert phones.conflicts(BOB) == []

    phones.switch(BOB)
    phones.add(BOB, "Written offline")
    phones.page.call("Page.reload")  # what waits survives
    phones.page.wait_until("performance.getEntriesByType('navigation')[0].type === 'reload'")
    Phones(phones.page).wait_for_notes(**{"Rye bread": "from the market", "Sell the plants": "", "Written offline": ""})
    assert browser.problems == []


def test_a_note_that_was_edited_meanwhile_is_not_deleted_unless_the_user_insists(url: str, browser: Chromium) -> None:
    phones = Phones(browser.open(url))
    before = phones.notes(ANN)
    phones.add(ANN, "Tickets")
    phones.wait_for_notes(**before, Tickets="")
    phones.switch(BOB)
    phones.delete(BOB, "Tickets")
    phones.write(ANN, "Tickets", "body", "for two")
    phones.wait_for_status(ANN, "online")
    phones.switch(BOB)
    phones.wait_for_notes(**before, Tickets="for two")
    phones.page.wait_until("document.querySelector('.conflict')")
    assert phones.conflicts(BOB) == ["“Tickets” was edited meanwhile, so it was not deleted"]
    phones.choose(BOB, "insist")
    phones.wait_for_notes(**before)
    assert browser.problems == []


def test_a_note_that_was_made_offline_and_deleted_again_is_never_sent(url: str, browser: Chromium) -> None:
    phones = Phones(browser.open(url))
    before = phones.notes(ANN)
    phones.switch(ANN)
    phones.add(ANN, "A mistake")
    phones.delete(ANN, "A mistake")
    assert phones.status(ANN) == "offline"
    phones.switch(ANN)
    phones.wait_for_status(ANN, "online")
    assert phones.notes(ANN) == before
    assert phones.agreement() == "Both phones show the same notes."


def test_without_users_the_page_asks_to_sign_in(url: str, browser: Chromium) -> None:
    query = "?api=http://localhost:1/graphql&realtime=ws://localhost:1/graphql&client=c&region=eu-west-1"
    page = browser.open(url + query)
    page.wait_until("document.querySelectorAll('.sign-in:not([hidden])').length === 2")
    assert page.run("document.querySelectorAll('.content:not([hidden])').length") == 0
