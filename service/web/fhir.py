"""The FHIR R4 façade, its read side: what was sent, to those who may see it; else 404."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from mapping.fhir import answers
from mapping.fhir.systems import Claims
from service.web.access import Viewer, by_token
from service.web.desk import Desk
from service.web.resources import OFFERS, Found, Wanted, WantedWrong, read, search
from service.web.views import HEADERS, DeskHere, desk_of

router = APIRouter(prefix="/fhir")
MEDIA = "application/fhir+json"
SHORTEST, USUAL, LONGEST = 1, 50, 200


class TokenNeeded(Exception):
    """Send a bearer token of `thinkcarer token create` in the Authorization header."""


def holder(request: Request) -> Viewer:
    """Whoever holds the bearer token; raises TokenNeeded without a good one."""
    desk = desk_of(request)
    with desk.database.read() as tx:
        viewer = by_token(tx, request.headers.get("authorization", ""), desk.now())
    if viewer is None:
        raise TokenNeeded(TokenNeeded.__doc__)
    return viewer


HolderHere = Annotated[Viewer, Depends(holder)]


@router.get("/metadata")
def metadata(request: Request, desk: DeskHere) -> Response:
    """The CapabilityStatement."""
    offers = tuple(answers.Offer(kind, names) for kind, names in OFFERS.items())
    facade = answers.Facade(_base(request), version("thinkcarer"), desk.now(), offers)
    return fhir_json(answers.capability(facade, _claims(desk)))


@router.get("/{kind}/{resource_id}")
def read_one(desk: DeskHere, viewer: HolderHere, kind: str, resource_id: str) -> Response:
    """One resource."""
    with desk.database.read() as tx:
        found = read(viewer, tx, desk, kind, resource_id)
    if found is None:
        return not_there()
    return fhir_json(_text(found), headers={"ETag": f'W/"{found.number}"'})


@router.get("/{kind}")
def search_some(request: Request, desk: DeskHere, viewer: HolderHere, kind: str) -> Response:
    """A page of resources, in a stable order."""
    if kind not in OFFERS:
        return not_there()
    try:
        wanted = _wanted(kind, request)
        with desk.database.read() as tx:
            found, more = search(viewer, tx, desk, kind, wanted)
    except WantedWrong as wrong:
        return fhir_json(answers.outcome("invalid", str(wrong)), 400)
    here = f"{_base(request)}/{kind}"
    asked = [(k, v) for k, v in request.query_params.multi_items() if k != "_after"]
    next_url = None
    if more and found:
        next_url = str(
            request.url.replace(path=f"/fhir/{kind}").include_query_params(_after=found[-1].cursor)
        )
    page = answers.Page(
        base_url=_base(request),
        self_url=str(request.url) if asked else here,
        next_url=next_url,
        total=None,
        bodies=tuple(_text(each) for each in found),
    )
    return fhir_json(answers.searchset(page))


def fhir_json(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A FHIR answer."""
    all_headers = {**HEADERS, **(headers or {})}
    return Response(body, status, headers=all_headers, media_type=MEDIA)


def not_there() -> Response:
    """The same for what does not exist and for what one may not see."""
    return fhir_json(answers.outcome("not-found", "There is no such resource."), 404)


def unauthorised() -> Response:
    """No good token."""
    words = str(TokenNeeded.__doc__)
    return fhir_json(answers.outcome("login", words), 401, {"WWW-Authenticate": "Bearer"})


def _wanted(kind: str, request: Request) -> Wanted:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in (*OFFERS[kind], "_count", "_after", "_format"):
            raise WantedWrong(f"The parameter {name[:40]} is not offered for {kind}.")
        if name in given:
            raise WantedWrong(f"The parameter {name} may be given once.")
        given[name] = value
    count = given.pop("_count", str(USUAL))
    if not count.isdigit() or not SHORTEST <= int(count) <= LONGEST:
        raise WantedWrong(f"_count must be a number from {SHORTEST} to {LONGEST}.")
    given.pop("_format", None)
    after = given.pop("_after", "")
    return Wanted(given, int(count), after)


def _text(found: Found) -> str:
    if found.updated_at is None:
        return found.body
    return answers.stamped(answers.Version(found.body, found.number, found.updated_at))


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/fhir"


def _claims(desk: Desk) -> Claims:
    return Claims(desk.site.claim_draft_profiles, desk.site.chi_system)
