"""The pages without a browser: a line, its clock and people who sign in and press buttons."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape

import httpx2
from fastapi.testclient import TestClient

from alerts.store import people
from service.database import Database
from service.running import Acts
from service.web.app import create_app
from service.web.desk import Desk
from tests.support.line import TestLine

SECRET = "a secret that only tests know"  # noqa: S105 - signs nothing outside this process
_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


def a_desk(line: TestLine, **changes: object) -> Desk:
    values = {
        "database": line.database,
        "site": line.site,
        "secret_key": SECRET,
        "pages_open": True,
        "one_click": True,
        "now": line.clock,
        "acts": Acts(line.line, lambda: None),
        "ready": tuple,
        "metrics": line.line.metrics.text,
    }
    return Desk(**(values | changes))


@dataclass
class Visitor:
    """Somebody with a browser that keeps cookies and follows redirects."""

    client: TestClient
    last: httpx2.Response | None = None

    def open(self, path: str) -> httpx2.Response:
        self.last = self.client.get(path)
        return self.last

    def press(self, action: str, **values: str) -> httpx2.Response:
        """Send the first form with that action whose hidden fields fit, as a button would."""
        return self.client.post(action, data=self.form(action, **values))

    def form(self, action: str, **values: str) -> dict[str, str]:
        """The hidden fields of that form with what was typed and pressed."""
        for form in _FORM.findall(self.last.text if self.last else ""):
            hidden = {name: unescape(value) for name, value in _HIDDEN.findall(form)}
            wanted = {k: v for k, v in values.items() if k in hidden}
            if f'action="{action}"' in form and wanted.items() <= hidden.items():
                return hidden | values
        raise AssertionError(f"the page has no form {action} with {values}")

    def enter(self, door: str) -> "Visitor":
        """Sign in by one press, as in the demo."""
        self.open("/")
        self.last = self.press("/sign-in/demo", door=door)
        assert self.last.status_code == 200, self.last.text
        return self


@dataclass
class Website:
    """A line with pages in front of it."""

    line: TestLine
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = a_desk(self.line)

    def visitor(self) -> Visitor:
        return Visitor(TestClient(create_app(self.desk), raise_server_exceptions=False))

    def token(self, role: str, *scope: str, days: int = 1) -> str:
        """A token that is its own role and scope."""
        secret = f"{role} {' '.join(scope)}".strip()
        now = self.line.clock()
        grant = people.Grant(role, scope, role, now, now + timedelta(days=days))
        with self.line.database.write() as tx:
            people.keep_token(tx, secret, grant)
        return secret

    def audited(self) -> list[tuple[str, str]]:
        """What was done or read, newest first, and what of."""
        with self.line.database.read() as tx:
            return [(line.action, line.subject) for line in people.audited(tx)]

    def read(self, path: str, token: str) -> httpx2.Response:
        client = self.visitor().client
        return client.get(path, headers={"Authorization": f"Bearer {token}"})


@contextmanager
def a_website(database: Database) -> Iterator[Website]:
    line = TestLine(database)
    try:
        yield Website(line)
    finally:
        line.committer.close()


def text_of(answer: httpx2.Response) -> str:
    """What a person reads: no tags, one space between words."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
