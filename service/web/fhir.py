"""The FHIR façade, read side: what was sent and who is behind it, within the reader's scope."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from alerts.disclosure import people as disclosure
from alerts.disclosure.people import Reader
from alerts.hours import local_date
from alerts.model.stay import Stay
from mapping.fhir import people
from mapping.fhir.answers import Facade, Offer, Page, Version, capability, searchset, stamped
from mapping.fhir.systems import Claims
from service.web.access import Role, Viewer, by_token
from service.web.desk import Desk
from service.web.failures import FHIR_JSON, refuse
from service.web.queries import obligations, persons
from service.web.queries.obligations import Found
from service.web.searches import Search, SearchInvalid, read
from service.web.views import desk_of, note_read

router = APIRouter(prefix="/fhir")
VERSION = "0.1.0"
TOKENS = {
    "Task": (
        "_id",
        "status",
        "code",
        "owner:identifier",
        "patient:identifier",
        "encounter:identifier",
        "focus",
    ),
    "Communication": ("_id", "subject:identifier", "recipient:identifier"),
    "Patient": ("_id", "identifier"),
    "Encounter": ("_id", "identifier"),
    "RelatedPerson": ("_id", "identifier"),
}
DATES = {"Task": ("authored-on", "_lastUpdated"), "Communication": ("sent", "_lastUpdated")}
"""What can be searched by, and so what the CapabilityStatement says."""
_READERS = {
    Role.WARD: Reader.WARD,
    Role.COORDINATOR: Reader.COORDINATOR,
    Role.CENTRE: Reader.CENTRE,
    Role.AUDITOR: Reader.AUDITOR,
}


def reader(request: Request) -> Viewer:
    """Whoever holds the bearer token; 401 without a good one."""
    desk = desk_of(request)
    with desk.database.read() as tx:
        viewer = by_token(tx, request.headers.get("Authorization", ""), desk.now())
    if viewer is None:
        raise HTTPException(401)
    return viewer


ReaderHere = Annotated[Viewer, Depends(reader)]
DeskAnyway = Annotated[Desk, Depends(desk_of)]


@router.get("/metadata")
def metadata(request: Request, desk: DeskAnyway) -> Response:
    """What this façade can do; anybody may know."""
    offers = tuple(Offer(kind, (*TOKENS[kind], *DATES.get(kind, ()))) for kind in TOKENS)
    told = Facade(_base(request), VERSION, desk.now(), offers)
    return Response(capability(told, _claims(desk)), media_type=FHIR_JSON)


@router.get("/{kind}")
def search(kind: str, request: Request, desk: DeskAnyway, viewer: ReaderHere) -> Response:
    """One page of what fits and is the viewer's."""
    if kind not in TOKENS:
        raise HTTPException(404)
    try:
        asked = read(request.query_params.multi_items(), TOKENS[kind], DATES.get(kind, ()))
        with desk.database.read() as tx:
            found = _found(viewer, tx, desk, kind, asked)
    except SearchInvalid as err:
        return refuse(request, 400, str(err))
    note_read(desk, viewer, f"{kind}?")
    return Response(_bundle(request, found), media_type=FHIR_JSON)


@router.get("/{kind}/{resource_id}")
def one(request: Request, desk: DeskAnyway, viewer: ReaderHere) -> Response:
    """One resource; 404 where it is none of the viewer's, as where there is none."""
    kind, resource_id = request.path_params["kind"], request.path_params["resource_id"]
    if kind not in TOKENS:
        raise HTTPException(404)
    with desk.database.read() as tx:
        version = _one(viewer, tx, desk, (kind, resource_id))
    if version is None:
        raise HTTPException(404)
    note_read(desk, viewer, f"{kind}/{resource_id}")
    headers = {"ETag": f'W/"{version.number}"'}
    return Response(stamped(version), headers=headers, media_type=FHIR_JSON)


def _found(viewer: Viewer, tx: Connection, desk: Desk, kind: str, asked: Search) -> Found:
    if kind in DATES:
        return obligations.search(viewer, tx, desk.site, kind, asked)
    ids, load = _people(viewer, tx, desk, kind, asked)
    start = next((n for n, i in enumerate(ids) if i > asked.after[1:]), len(ids))
    page = ids[start : start + asked.count] if asked.after else ids[: asked.count]
    is_last = not page or page[-1] == ids[-1]
    return Found(tuple(load(page)), len(ids), "" if is_last else f"~{page[-1]}")


def _one(viewer: Viewer, tx: Connection, desk: Desk, named: tuple[str, str]) -> Version | None:
    kind, resource_id = named
    if kind in DATES:
        return obligations.one(viewer, tx, desk.site, kind, resource_id)
    wanted = read([("_id", resource_id)], TOKENS[kind], ())
    ids, load = _people(viewer, tx, desk, kind, wanted)
    return next(iter(load(ids)), None)


def _people(
    viewer: Viewer, tx: Connection, desk: Desk, kind: str, asked: Search
) -> tuple[list[str], Callable[[Sequence[str]], list[Version]]]:
    """Ids in a stable order, and how to load some of them."""
    if kind == "RelatedPerson":
        return _carers(viewer, tx, desk, asked)
    return _stays(viewer, tx, desk, kind, asked)


def _bundle(request: Request, found: Found) -> str:
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k != "_after"]
    base = _base(request)
    here = f"{base}/{request.path_params['kind']}"
    following = f"{here}?{urlencode([*pairs, ('_after', found.after)])}" if found.after else None
    return searchset(
        Page(
            base_url=base,
            self_url=f"{here}?{request.url.query}" if request.url.query else here,
            next_url=following,
            total=found.total,
            bodies=tuple(stamped(version) for version in found.versions),
        )
    )


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/fhir"


def _claims(desk: Desk) -> Claims:
    return Claims(desk.site.claim_draft_profiles, desk.site.chi_system)


def _stays(
    viewer: Viewer, tx: Connection, desk: Desk, kind: str, asked: Search
) -> tuple[list[str], Callable[[Sequence[str]], list[Version]]]:
    is_patient, reader = kind == "Patient", _reader(viewer)
    is_alone = set(asked.tokens) == {"_id"}
    ids = persons.stay_ids(viewer, tx, desk.site, _without_id(asked))

    def load(some: Sequence[str]) -> list[Version]:
        rows = persons.stays(viewer, tx, desk.site, some)
        bodies = (
            (_patient(desk, row.stay, reader, is_alone), row)
            if is_patient
            else (_encounter(desk, row.stay, reader), row)
            for row in rows
        )
        return [
            Version(body, row.version, row.updated_at or desk.now())
            for body, row in bodies
            if body is not None
        ]

    return _with_ids(ids, asked, people.patient_id if is_patient else str), load


def _patient(desk: Desk, stay: Stay, reader: Reader, is_alone: bool) -> str | None:
    disclosed = disclosure.patient(stay, reader, is_alone)
    return people.patient(disclosed, _claims(desk)) if disclosed else None


def _encounter(desk: Desk, stay: Stay, reader: Reader) -> str | None:
    disclosed = disclosure.stay_of(stay, reader)
    return people.encounter(disclosed, desk.site.nation, _claims(desk)) if disclosed else None


def _carers(
    viewer: Viewer, tx: Connection, desk: Desk, asked: Search
) -> tuple[list[str], Callable[[Sequence[str]], list[Version]]]:
    today, reader = local_date(desk.now()), _reader(viewer)
    keys = persons.carer_keys(viewer, tx, desk.site, _without_id(asked))

    def load(some: Sequence[str]) -> list[Version]:
        rows = persons.carers(viewer, tx, desk.site, some)
        return [
            Version(
                people.related_person(
                    disclosure.carer(row.registration, reader, today), _claims(desk)
                ),
                row.version,
                row.updated_at,
            )
            for row in rows
        ]

    return _with_ids(keys, asked, people.related_person_id), load


def _reader(viewer: Viewer) -> Reader:
    """Whoever works at none of these desks has no rows, and would see the least of them."""
    return _READERS.get(viewer.role, Reader.CENTRE)


def _without_id(asked: Search) -> Search:
    rest = {name: groups for name, groups in asked.tokens.items() if name != "_id"}
    return replace(asked, tokens=rest)


def _with_ids(ids: list[str], asked: Search, made: Callable[[str], str]) -> list[str]:
    """Those whose published id was asked for; it is made of ours and cannot be read backwards."""
    groups = asked.tokens.get("_id", ())
    wanted = [{token.value for token in group} for group in groups]
    return [i for i in ids if all(made(i) in some for some in wanted)] if wanted else ids
