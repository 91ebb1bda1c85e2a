"""What goes wrong, as a plain page for people and an OperationOutcome for systems."""

from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from mapping.fhir.answers import outcome
from service.database import DatabaseError
from service.pipeline import EvidenceChanged, NotThere
from service.web.access import NotAllowed
from service.web.views import PagesClosed, SignInFirst, page

log = structlog.get_logger()
FHIR = "/fhir"
FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """error.html"""

    title: str
    sentences: tuple[str, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to fail: the issue type of R4 and what a person reads."""

    code: str
    title: str
    sentences: tuple[str, ...]


REFUSALS = {
    400: Refusal(
        "invalid",
        "The request cannot be understood",
        ("Nothing was saved. Open the page again and repeat it.",),
    ),
    401: Refusal("login", "Sign in first", ("This address needs a token.",)),
    403: Refusal("forbidden", "You cannot do this", ("Nothing was saved.",)),
    404: Refusal(
        "not-found",
        "Page not found",
        ("If you typed the address, check that it is correct.",),
    ),
    405: Refusal("not-supported", "This cannot be done here", ("Nothing was saved.",)),
    409: Refusal(
        "conflict",
        "This has changed since you opened the page",
        ("Nothing was saved. Open the list again and look anew.",),
    ),
    413: Refusal("too-long", "This is too long", ("Nothing was saved. Write less.",)),
    500: Refusal(
        "exception",
        "Something went wrong here",
        ("What was saved before is safe. Try again, then tell whoever runs Think Carer.",),
    ),
    503: Refusal(
        "transient",
        "Think Carer is busy",
        ("Nothing was saved. Try again in a minute.",),
    ),
}
_TO_SYSTEMS = {
    401: "This address needs a bearer token that is good.",
    404: "There is no such resource here, or it is not yours to read.",
    405: "This façade reads; it does not write here.",
}
CLOSED = ErrorPage(
    "Sign-in is not set up",
    (
        "Pages are shown on this address only once people can sign in.",
        "Whoever runs Think Carer sets THINKCARER_OIDC_ISSUER, or opens the pages on the "
        "machine itself.",
    ),
)
OLD_FORM = ErrorPage(
    "This form is too old",
    ("Nothing was saved. Go back, open the page again and repeat it.",),
)


def install(app: FastAPI) -> None:
    """Say how each failure is answered."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, lambda r, _: refuse(r, 400))
    app.add_exception_handler(SignInFirst, lambda _r, _e: RedirectResponse("/", 303))
    app.add_exception_handler(PagesClosed, lambda r, _: page(r, "error.html", CLOSED, None, 403))
    app.add_exception_handler(NotAllowed, lambda r, _: page(r, "error.html", OLD_FORM, None, 403))
    app.add_exception_handler(NotThere, lambda r, _: refuse(r, 404))
    app.add_exception_handler(EvidenceChanged, lambda r, _: refuse(r, 409))
    app.add_exception_handler(DatabaseError, lambda r, _: refuse(r, 503))
    app.add_exception_handler(Exception, _failed)


def refuse(request: Request, status: int, words: str = "") -> Response:
    """The same answer for the same status, whatever was asked for."""
    known = REFUSALS.get(status, REFUSALS[400 if status < 500 else 500])
    if is_fhir(request):
        text = outcome(known.code, words or _TO_SYSTEMS.get(status, f"{known.title}."))
        headers = {"WWW-Authenticate": 'Bearer realm="thinkcarer"'} if status == 401 else None
        return Response(text, status, headers=headers, media_type=FHIR_JSON)
    return page(request, "error.html", ErrorPage(known.title, known.sentences), None, status)


def is_fhir(request: Request) -> bool:
    """The request is for the façade."""
    return request.url.path == FHIR or request.url.path.startswith(f"{FHIR}/")


def _refused(request: Request, err: Exception) -> Response:
    status = err.status_code if isinstance(err, HTTPException) else 500
    return refuse(request, status)


def _failed(request: Request, err: Exception) -> Response:
    log.error("page_failed", error=type(err).__name__)
    return refuse(request, 500)
