"""The pages in a real browser: readable by all, on a phone and a desk, by day and by night."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from alerts.model.alert import Task, TaskCode
from alerts.model.events import Answer, Answered
from alerts.model.identity import Identifier, IdentifierKind
from service.database import connect
from service.match_answers import decide_match
from service.pipeline import record_entry
from service.web.app import create_app
from tests.support.adt import Adt
from tests.support.browser import (
    VIEWS,
    NoBrowser,
    View,
    a_browser,
    a_page,
    is_wider_than_the_window,
    must_have_a_browser,
    served,
    violations,
)
from tests.support.databases import sqlite_copy
from tests.support.pages import Website, a_website
from tests.support.people import JEAN, a_registration

pytestmark = [pytest.mark.timeout(300)]
DESK = View(1440, "light")
PHONE = View(390, "light")
WARD, CENTRE = "ward:L302H/M7A", "centre:LANCARERS"
COORDINATOR, ENGINEER = "coordinator:L302H", "engineer"
TOMORROW = date(2026, 11, 24)
LONG = "N" * 3_000


@dataclass(frozen=True)
class Place:
    """The pages at an address of their own, and the browser to look at them."""

    website: Website
    url: str
    browser: Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(a_browser())
        except NoBrowser as reason:
            if must_have_a_browser():
                pytest.fail(f"a browser is needed: {reason}")
            pytest.skip(str(reason))
        yield found


@pytest.fixture(scope="module")
def place(
    browser: Browser, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A ward with every kind of row, a doubtful match, a death, a call to make."""
    url = sqlite_copy(migrated_sqlite, tmp_path_factory.mktemp("pages"))
    with connect(url) as database, a_website(database) as website:
        _fill(website)
        with served(create_app(website.desk)) as address:
            yield Place(website, address, browser)


def _fill(website: Website) -> None:
    line, base = website.line, Adt(planned=TOMORROW)
    line.registered(JEAN)
    for n, (number, changes) in enumerate(
        [
            ("9990000026", {"family": "Carswel"}),
            ("9990000034", {}),
            ("9990000042", {}),
            ("9990000050", {}),
        ]
    ):
        person = replace(JEAN.patient, identifier=Identifier(IdentifierKind.NHS, number))
        line.registered(a_registration(registration_id=f"R-{n + 2}", patient=person))
        line.take(base.but(visit=f"W{n}", number=number, **changes))
    line.take(base, base.but(visit="L", number="9990000069", given=LONG, family="<b>bold</b>"))
    line.take(base.but(visit="W1").later("A08", 1, number="9990000034", hiding="1"))
    line.take(base.but(visit="W2").later("A03", 2, number="9990000042"))
    line.take(base.but(visit="W3").later("A08", 2, number="9990000050", died="Y"))
    _answer(website, base)
    line.clock.at += timedelta(minutes=5)


def _answer(website: Website, base: Adt) -> None:
    """A match that was decided, one of which the coordinator is not sure, and who left shut."""
    line = website.line
    for visit, number in (("W50", "9990000077"), ("W51", "9990000085"), ("W52", "9990000093")):
        person = replace(JEAN.patient, identifier=Identifier(IdentifierKind.NHS, number))
        line.registered(a_registration(registration_id=f"R-{visit}", patient=person))
        changes = {} if visit == "W52" else {"family": "Carswel"}
        line.take(base.but(visit=visit, number=number, **changes))
    asked = [a for a in line.alerts() if isinstance(a, Task) and a.code is TaskCode.CONFIRM_MATCH]
    decided, unsure = asked[-2:]
    decide_match(line.line, "R. Baxter", decided.id, is_same=True)
    answer = Answered(unsure.id, Answer.NOT_SURE, line.clock.at, "R. Baxter")
    record_entry(line.line, "R. Baxter", unsure.stay, answer)
    left = base.but(visit="W52", number="9990000093").later("A03", 1)
    line.take(left, left.later("A08", 1, hiding="1"))


def enter(page: Page, place: Place, door: str) -> None:
    page.goto(place.url)
    page.click(f'button[value="{door}"]')


LOOKS = [
    # door, path after it, what to press first
    (WARD, "", ""),
    (WARD, "", "summary >> nth=0"),
    (WARD, "", "summary.tc-box--next >> nth=0"),
    (CENTRE, "", ""),
    (COORDINATOR, "", ""),
    (ENGINEER, "", ""),
    (ENGINEER, "/journal/1", ""),
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(place: Place, view: View):
    with a_page(place.browser, view) as page:
        page.goto(place.url)
        faults = {"sign-in": _faults(page)}
        for door, path, press in LOOKS:
            page.context.clear_cookies()
            enter(page, place, door)
            if path:
                page.goto(place.url + path)
            if press:
                page.click(press)
            faults[f"{door} {path} {press}"] = _faults(page)
    assert not {look: found for look, found in faults.items() if found}


def _faults(page: Page) -> list[str]:
    page.wait_for_load_state()  # a press may just have led elsewhere
    sideways = ["scrolls sideways"] if is_wider_than_the_window(page) else []
    return [*violations(page), *sideways]


def test_axe_would_find_a_fault(place: Place):
    with a_page(place.browser, DESK) as page:
        page.goto(place.url)
        page.evaluate("document.documentElement.removeAttribute('lang')")
        assert any("html-has-lang" in fault for fault in violations(page))


@pytest.mark.parametrize("javascript", [True, False])
def test_two_presses_record_with_and_without_javascript(place: Place, javascript: bool):
    with a_page(place.browser, PHONE, javascript) as page:
        place.website.line.clock.at += timedelta(minutes=2)
        enter(page, place, WARD)
        row = page.locator(".tc-row", has=page.locator(".tc-boxes")).first
        row.locator("summary.tc-box--next").click()
        row.locator(".tc-panel button:visible").first.click()
        assert "/ward/L302H/M7A#bed-" in page.url
        saved = page.locator(".tc-saved").first
        assert "Saved:" in saved.inner_text()
        place.website.line.clock.at += timedelta(minutes=1)
        saved.get_by_role("button").click()
        assert page.locator(".tc-saved").count() == 0


def test_the_keyboard_alone_reaches_and_opens_a_box(place: Place):
    with a_page(place.browser, DESK) as page:
        enter(page, place, WARD)
        page.goto(page.url, wait_until="load")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to main content"
        page.locator("summary.tc-box--next").first.focus()
        page.keyboard.press("Enter")
        assert page.locator(".tc-panel:visible").count() == 1


def test_the_first_visit_is_light(place: Place):
    with a_page(place.browser, PHONE) as page:
        sizes: list[int] = []
        page.on("response", lambda answer: sizes.append(len(answer.body())))
        enter(page, place, WARD)
        assert not [size for size in sizes if size > 220_000]
        assert page.locator("script").count() == 0
