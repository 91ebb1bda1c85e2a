"""The way in: a token or one press, what a session may do, and what closes it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from service.database import Database
from service.web.edge import CONTENT_SECURITY_POLICY
from tests.support.pages import Website, a_website, text_of


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        yield made


def test_a_token_opens_the_desk_of_its_role(website: Website):
    website.token("ward", "L302H/M7A")
    visitor = website.visitor()
    visitor.open("/")
    answer = visitor.press("/sign-in", token="ward L302H/M7A")  # noqa: S106 - a test's own
    assert answer.url.path == "/ward/L302H/M7A"
    assert "No patients on Ward 7A" in answer.text


def test_an_expired_token_opens_nothing(website: Website):
    website.token("ward", "L302H/M7A", days=-1)
    visitor = website.visitor()
    visitor.open("/")
    answer = visitor.press("/sign-in", token="ward L302H/M7A")  # noqa: S106 - a test's own
    assert answer.status_code == 401
    assert "not known here, or it has expired" in answer.text
    assert visitor.open("/ward/L302H/M7A").url.path == "/"


def test_a_session_ends_with_its_token(website: Website):
    website.token("ward", "L302H/M7A", days=0)
    website.line.clock.at -= timedelta(hours=1)
    visitor = website.visitor()
    visitor.open("/")
    visitor.press("/sign-in", token="ward L302H/M7A")  # noqa: S106 - a test's own
    assert visitor.open("/ward/L302H/M7A").url.path == "/ward/L302H/M7A"
    website.line.clock.at += timedelta(hours=1, seconds=1)
    assert visitor.open("/ward/L302H/M7A").url.path == "/"


def test_a_machines_token_is_for_no_page(website: Website):
    website.token("feed")
    visitor = website.visitor()
    visitor.open("/")
    assert visitor.press("/sign-in", token="feed").status_code == 403  # noqa: S106


def test_ten_wrong_tokens_close_the_door_for_five_minutes(website: Website):
    visitor = website.visitor()
    visitor.open("/")
    form = visitor.form("/sign-in", token="wrong")  # noqa: S106
    statuses = [visitor.client.post("/sign-in", data=form).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_signing_out_ends_the_session_itself_and_not_only_the_cookie(website: Website):
    visitor = website.visitor().enter("ward:L302H/M7A")
    cookies = dict(visitor.client.cookies)
    visitor.press("/sign-out")
    visitor.client.cookies.update(cookies)
    assert visitor.open("/ward/L302H/M7A").url.path == "/"


def test_a_forged_cookie_is_nobody(website: Website):
    visitor = website.visitor()
    visitor.client.cookies.set("thinkcarer_session", "somebody.signature")
    assert visitor.open("/ward/L302H/M7A").url.path == "/"


@pytest.mark.parametrize(
    "action",
    [
        "/sign-in",
        "/sign-in/demo",
        "/sign-out",
        "/ward/record",
        "/ward/undo",
        "/ward/call",
        "/centre/answer",
        "/coordinator/match",
        "/coordinator/bereaved",
        "/journal/1/show",
        "/journal/1/hide",
    ],
)
def test_a_form_that_is_not_ours_changes_nothing(website: Website, action: str):
    visitor = website.visitor().enter("ward:L302H/M7A")
    answer = visitor.client.post(action, data={"csrf": "guessed"})
    assert answer.status_code == 403
    assert "too old" in answer.text


def test_one_press_is_for_the_demo_alone(website: Website):
    website.desk = replace(website.desk, one_click=False)
    visitor = website.visitor()
    assert "Ward nurse" not in visitor.open("/").text
    form = visitor.form("/sign-in") | {"door": "ward:L302H/M7A"}
    assert visitor.client.post("/sign-in/demo", data=form).status_code == 404


def test_pages_stay_closed_where_nobody_set_sign_in_up_and_machines_are_answered(
    website: Website,
):
    website.desk = replace(website.desk, pages_open=False)
    visitor = website.visitor()
    for path in ("/", "/ward", "/journal"):
        answer = visitor.open(path)
        assert answer.status_code == 403
        assert "Sign-in is not set up" in answer.text
    assert visitor.open("/health/ready").json() == {"ready": True, "missing": []}
    assert visitor.open("/fhir/metadata").status_code == 200
    assert b"thinkcarer_" in visitor.open("/metrics").content


def test_ready_names_what_is_missing(website: Website):
    website.desk = replace(website.desk, ready=lambda: ("database",))
    answer = website.visitor().open("/health/ready")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["database"])
    assert website.visitor().open("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/", "/nowhere", "/health/live", "/static/tc.css"])
def test_every_answer_tells_the_browser_how_little_it_may_do(website: Website, path: str):
    headers = website.visitor().open(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_pages_are_kept_in_no_cache_and_the_cookie_in_no_script(website: Website):
    visitor = website.visitor()
    visitor.open("/")
    form = visitor.form("/sign-in/demo", door="engineer")
    answer = visitor.client.post("/sign-in/demo", data=form, follow_redirects=False)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "thinkcarer_session" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert visitor.open("/journal").headers["cache-control"] == "no-store"


def test_a_cookie_over_https_is_sent_over_https_alone(website: Website):
    visitor = website.visitor()
    visitor.client.base_url = "https://thinkcarer.example"
    assert "Secure" in visitor.open("/").headers["set-cookie"]


def test_a_body_too_long_for_a_form_is_refused(website: Website):
    answer = website.visitor().client.post("/sign-in", data={"token": "x" * 70_000})
    assert answer.status_code == 413


def test_a_failure_is_a_plain_page_that_says_nothing_of_its_cause(website: Website):
    def broken() -> bytes:
        raise ZeroDivisionError("a patient's name")

    website.desk = replace(website.desk, metrics=broken)
    answer = website.visitor().open("/metrics")
    assert answer.status_code == 500
    assert "Something went wrong here" in text_of(answer)
    assert "patient's name" not in answer.text


def test_no_documentation_page_is_offered(website: Website):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert website.visitor().open(path).status_code == 404
