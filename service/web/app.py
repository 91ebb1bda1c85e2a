"""The web application: pages, FHIR façade, health, metrics, and how refusals look."""

from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from service.errors import ServiceError
from service.web import fhir
from service.web.access import NotAllowed
from service.web.desk import Desk
from service.web.nav import Link
from service.web.pages import PAGES
from service.web.pages.signin import new_tries
from service.web.views import HEADERS, DeskHere, SignInFirst, environment, page, see_other

LARGEST_BODY = 64 * 1024
WORDS = {
    403: (
        "This page cannot be opened here",
        "Pages open on this machine alone until sign-in has been set up, and a form can be sent "
        "only from the page it stands on. Open the page again.",
    ),
    404: (
        "Page not found",
        "There is no such page, or it is not for your role. Check the address.",
    ),
    409: ("This has changed", "Somebody or something was faster. Open the list again."),
}
TROUBLE = ("Sorry, there is a problem", "What you entered may not be saved. Open the list again.")


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """``problem.html``."""

    title: str
    words: str
    nav: tuple[Link, ...] = ()


def create_app(desk: Desk) -> FastAPI:
    """The application of one site."""
    app = FastAPI(
        title="Think Carer",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.desk = desk
    app.state.templates = environment()
    app.state.sign_in_tries = new_tries()
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_BODY)
    static = StaticFiles(directory=Path(__file__).parent / "static")
    app.mount("/static", static, name="static")
    app.get("/health/live", include_in_schema=False)(live)
    app.get("/health/ready", include_in_schema=False)(ready)
    app.get("/metrics", include_in_schema=False)(metrics)
    app.include_router(fhir.router)
    for router in PAGES:
        app.include_router(router)
    app.add_exception_handler(SignInFirst, to_sign_in)
    app.add_exception_handler(NotAllowed, not_allowed)
    app.add_exception_handler(fhir.TokenNeeded, token_needed)
    app.add_exception_handler(ServiceError, changed)
    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, not_understood)
    return app


def live() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "live"}, headers=dict(HEADERS))


def ready(desk: DeskHere) -> JSONResponse:
    """Everything that the service depends on answers, or which does not."""
    missing = desk.ready()
    body = {"status": "ready" if not missing else "not ready", "missing": list(missing)}
    return JSONResponse(body, 503 if missing else 200, headers=dict(HEADERS))


def metrics(desk: DeskHere) -> Response:
    """The Prometheus exposition."""
    return Response(desk.metrics(), media_type=CONTENT_TYPE_LATEST, headers=dict(HEADERS))


def to_sign_in(_request: Request, _failure: Exception) -> Response:
    """Nobody is signed in."""
    return see_other("/")


def not_allowed(request: Request, _failure: Exception) -> Response:
    """A form that is not ours."""
    return _problem(request, 403)


def token_needed(_request: Request, _failure: Exception) -> Response:
    """The façade without a good token."""
    return fhir.unauthorised()


def changed(request: Request, _failure: Exception) -> Response:
    """A step of the line that can no longer be done."""
    return _problem(request, 409)


def refused(request: Request, failure: Exception) -> Response:
    """Any other refusal."""
    assert isinstance(failure, StarletteHTTPException | HTTPException)  # noqa: S101
    return _problem(request, failure.status_code)


def not_understood(request: Request, _failure: Exception) -> Response:
    """An address or form that no page of ours sends."""
    return _problem(request, 404)


def _problem(request: Request, status: int) -> Response:
    if request.url.path.startswith("/fhir"):
        return fhir.not_there()
    title, words = WORDS.get(status, TROUBLE)
    return page(request, "problem.html", ProblemPage(title, words), None, status)
