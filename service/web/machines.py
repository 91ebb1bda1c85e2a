"""What machines ask: is it alive, is it ready, how many."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from service.web.views import desk_of

router = APIRouter()
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/health/live")
def live() -> Response:
    """The process answers."""
    return PlainTextResponse("alive\n")


@router.get("/health/ready")
def ready(request: Request) -> Response:
    """Everything that we need answers too; else its name."""
    missing = list(desk_of(request).ready())
    return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """The Prometheus text."""
    return Response(desk_of(request).metrics(), media_type=PROMETHEUS)
