"""The web application: pages, façade, health and metrics, put together."""

from pathlib import Path
from threading import Lock

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from service.web import failures, fhir, hl7v2, machines
from service.web.attempts import Attempts
from service.web.desk import Desk
from service.web.edge import Headers
from service.web.pages import PAGES
from service.web.views import State, environment

LONGEST_BODY = 64 * 1024
"""Bytes of one form; nothing that a person fills in is longer."""


def create_app(desk: Desk) -> FastAPI:
    """The application of one site."""
    app = FastAPI(
        title="Think Carer",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=LONGEST_BODY,
    )
    app.state.web = State(desk, environment(), Attempts(), Lock())
    app.add_middleware(Headers)
    failures.install(app)
    app.include_router(machines.router)
    app.include_router(fhir.router)
    app.include_router(hl7v2.router)
    for router in PAGES:
        app.include_router(router)
    folder = Path(__file__).parent / "static"
    app.mount("/static", StaticFiles(directory=folder), name="static")
    return app
