"""``POST /hl7v2``: one ER7 message in, its acknowledgement out (contract: acknowledgements)."""

import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Annotated

import structlog
from anyio.from_thread import run
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from ingest.committer import CannotStore
from ingest.mllp import FrameTooLong
from ingest.receive import Door, Origin, receive, receive_too_long
from service.database import DatabaseError
from service.web.access import Role, Viewer, by_token
from service.web.desk import Desk
from service.web.views import desk_of

log = structlog.get_logger()

PATH = "/hl7v2"
ER7 = "application/hl7-v2"
TYPES = (ER7, "x-application/hl7-v2+er7")
MOST_ON_THE_WIRE = 1 << 40
"""The page's own limit does not hold here: what is read is counted while it is read."""
_HEAD = 4_096
_OVERHEAD = 65_536
_GZIP = 16 + zlib.MAX_WBITS

router = APIRouter()


class _Unfit(Exception):
    """The request is answered without an acknowledgement."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.answer = PlainTextResponse(f"{words}\n", status)


DeskAnyway = Annotated[Desk, Depends(desk_of)]


@router.post(PATH, max_body_size=MOST_ON_THE_WIRE)
def take(request: Request, desk: DeskAnyway) -> Response:
    """200 with any acknowledgement; 401, 403, 413, 415 and 503 without one."""
    try:
        return _taken(request, desk, _sender(request, desk))
    except _Unfit as unfit:
        if unfit.answer.status_code == 401:
            unfit.answer.headers["WWW-Authenticate"] = 'Bearer realm="thinkcarer"'
        return unfit.answer
    except (CannotStore, DatabaseError) as failure:
        if desk.door is not None:
            desk.door.tally.count("not_stored")
            log.warning("not_stored", peer=_peer(request), failure=failure.__cause__ or failure)
        words = "The message cannot be stored now. Send it again.\n"
        return PlainTextResponse(words, 503, {"Retry-After": "5"})


def _sender(request: Request, desk: Desk) -> Viewer | None:
    """Whoever holds the bearer token, None without a good one; asked before a byte is read."""
    with desk.database.read() as tx:
        return by_token(tx, request.headers.get("Authorization", ""), desk.now())


def _taken(request: Request, desk: Desk, viewer: Viewer | None) -> Response:
    door, expand = _door(desk, viewer), _expander(request)
    origin = _origin(request, viewer)
    body, failure = _body(request, expand, desk.max_message_bytes)
    if failure is None:
        return Response(receive(body, origin, door).answer, media_type=ER7)
    receive_too_long(failure, origin, door)
    door.tally.count("frame_too_long")
    raise _Unfit(413, f"A message may have {desk.max_message_bytes} bytes.")


def _door(desk: Desk, viewer: Viewer | None) -> Door:
    if viewer is None:
        raise _Unfit(401, "This address needs a good bearer token of the role feed.")
    if viewer.role is not Role.FEED:
        raise _Unfit(403, "This address takes messages from tokens of the role feed alone.")
    if desk.door is None:
        raise _Unfit(503, "This process takes no messages in.")
    return desk.door


def _origin(request: Request, viewer: Viewer | None) -> Origin:
    """A token with a scope may speak for those feeds alone."""
    feeds = frozenset(viewer.scope) if viewer and viewer.scope else None
    return Origin(_peer(request), way="http", feeds=feeds)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


Expand = Callable[[Iterator[bytes], int], Iterator[bytes]]


def _expander(request: Request) -> Expand:
    """How the body is read; raises where its type or coding is none of ours."""
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given not in TYPES:
        raise _Unfit(415, f"Send one message as {ER7}.")
    match request.headers.get("Content-Encoding", "identity").strip().lower():
        case "identity" | "":
            return _as_it_is
        case "gzip":
            return _expanded
    raise _Unfit(415, "Send the message as it is, or with gzip.")


def _body(request: Request, expand: Expand, limit: int) -> tuple[bytes, FrameTooLong | None]:
    """The message, or what is known of one that is too long; no more than the limit is kept."""
    kept = bytearray()
    try:
        for piece in expand(_pieces(request), limit + 1):
            kept += piece
            if len(kept) > limit:
                digest = sha256(kept[: limit + 1]).hexdigest()
                return b"", FrameTooLong(bytes(kept[:_HEAD]), digest, len(kept))
    except zlib.error as err:
        raise _Unfit(400, "The body is not gzip.") from err
    return bytes(kept), None


def _pieces(request: Request) -> Iterator[bytes]:
    stream = request.stream()
    while True:
        try:
            piece = run(anext, stream)
        except StopAsyncIteration:
            return
        if piece:
            yield piece


def _as_it_is(pieces: Iterator[bytes], _most: int) -> Iterator[bytes]:
    return pieces


def _expanded(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """All members of it, a little at a time: a bomb is never unpacked beyond what is allowed."""
    unpacker, packed = zlib.decompressobj(_GZIP), 0
    for piece in pieces:
        packed += len(piece)
        if packed > most + _OVERHEAD:
            raise _Unfit(413, "The packed body is longer than a message may be.")
        data = piece
        while data:
            if unpacker.eof:
                unpacker = zlib.decompressobj(_GZIP)
            yield unpacker.decompress(data, min(most, 65_536))
            data = unpacker.unused_data or unpacker.unconsumed_tail
    if not unpacker.eof:
        raise zlib.error
