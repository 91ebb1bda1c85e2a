"""One block in, one acknowledgement out, whatever way it came."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import structlog

from ingest import ack
from ingest.committer import CannotStore
from ingest.entry import digest_of
from ingest.header import (
    Fault,
    FeedRule,
    Header,
    Unattributable,
    crowding,
    feed_for,
    first_segment,
    headers_in,
    lane_of,
    printable,
    read_header,
)
from ingest.journal import Block, State, Stored
from ingest.mllp import FrameTooLong
from ingest.tally import Tally

log = structlog.get_logger()

NOT_ATTRIBUTED = "-"
_UNNAMED = frozenset({"http", "folder", "kafka"})
"""Ways by which a message can come without a certificate or a token of its feed."""
_HEAD = 4_096


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a block came from; ``place`` None: the name of its feed, as for mllp and http.

    Ways that cannot be answered (``folder``, ``kafka``) park what would be refused. ``feeds`` are
    the only ones that this peer may speak for, by its certificate or token; None: any. Blocks of
    one ``line`` are stored in their order or not at all.
    """

    peer: str
    way: str = "mllp"
    place: str | None = None
    is_answered: bool = True
    feeds: frozenset[str] | None = None
    line: Hashable = field(default_factory=object)


class Incoming(NamedTuple):
    """One of several blocks that came together."""

    block: bytes
    origin: Origin


@dataclass(frozen=True, slots=True)
class Door:
    """What every way in shares: rules, the way to disk, the clock, and who wants to know.

    ``commit`` writes blocks as one group and raises CannotStore if any may not be on disk;
    ``inspect`` says why content is unusable (asked only for feeds that refuse it) and never
    raises; ``on_stored`` is called after an entry that waits for work was written.
    """

    rules: tuple[FeedRule, ...]
    commit: Callable[[Sequence[Block]], list[Stored]]
    now: Callable[[], datetime]
    inspect: Callable[[bytes, Header, FeedRule], Fault | None]
    tally: Tally
    on_stored: Callable[[], None]


class Reply(NamedTuple):
    """The acknowledgement; ``is_last``: the connection is to be closed after it."""

    answer: bytes
    entry_id: int
    state: State
    is_repeat: bool
    is_last: bool = False


class _Verdict(NamedTuple):
    """What becomes of a block: accepted, parked for ``reason``, or refused for ``fault``."""

    header: Header
    rule: FeedRule | None
    reason: str = ""
    fault: Fault | None = None
    letter: ack.Letter = "R"
    is_over_limit: bool = False
    is_impostor: bool = False


class _Bytes(NamedTuple):
    """A block, or what is known of one that was too long to keep."""

    head: bytes
    digest: str
    size: int
    whole: bytes


def receive(block: bytes, origin: Origin, door: Door) -> Reply:
    """Journal a block and answer it; raises CannotStore when no answer may be given."""
    return receive_all((Incoming(block, origin),), door)[0]


def receive_all(incoming: Sequence[Incoming], door: Door) -> list[Reply]:
    """Journal blocks in one group and answer each; raises CannotStore if not all are on disk."""
    replies = []
    for reply in receive_each(incoming, door):
        if isinstance(reply, CannotStore):
            raise reply
        replies.append(reply)
    return replies


def receive_each(incoming: Sequence[Incoming], door: Door) -> list[Reply | CannotStore]:
    """Journal blocks in one group and answer each that is on disk, whatever became of others."""
    now = door.now()
    judged = [_judge(each.block, each.origin, door) for each in incoming]
    blocks = [
        _block(_whole(each.block), verdict, each.origin, now)
        for each, verdict in zip(incoming, judged, strict=True)
    ]
    kept: Sequence[Stored | None]
    failure = CannotStore(CannotStore.__doc__)
    try:
        kept = door.commit(blocks)
    except CannotStore as told:
        kept, failure = told.kept or [None] * len(blocks), told
    replies = [
        failure if entry is None else _reply(block, entry, verdict)
        for block, entry, verdict in zip(blocks, kept, judged, strict=True)
    ]
    _count([reply for reply in replies if isinstance(reply, Reply)], door)
    return replies


def receive_too_long(
    failure: FrameTooLong, origin: Origin, door: Door, why: str = "longer than the limit"
) -> Reply | None:
    """Journal header and digest of a frame over the limit, or that is not read for that reason.

    None, and nothing journaled, if it has no readable header and there is somebody to answer.
    """
    fault = Fault(207, why, "MSH^1")
    try:
        header = read_header(failure.head)
    except Unattributable as unreadable:
        if origin.is_answered:
            return None
        verdict = _Verdict(unreadable.header, None, fault=fault, is_over_limit=True)
    else:
        verdict = _Verdict(header, feed_for(header, door.rules), fault=fault, is_over_limit=True)
    kept = _Bytes(failure.head, failure.digest, failure.size, b"")
    block = _block(kept, verdict, origin, door.now())
    reply = _reply(block, door.commit((block,))[0], verdict)
    _count((reply,), door)
    return reply


def _judge(block: bytes, origin: Origin, door: Door) -> _Verdict:
    try:
        header = read_header(block)
    except Unattributable as failure:
        crowd = crowding(block, failure.header)
        return _Verdict(failure.header, None, fault=failure.fault, is_over_limit=crowd is not None)
    rule = feed_for(header, door.rules)
    if not _may_speak(origin, rule):
        return _impostor(header, rule, origin, door)
    crowd = crowding(block, header)
    if crowd is not None:
        return _Verdict(header, rule, fault=Fault(207, crowd, "MSH^1"), is_over_limit=True)
    if rule is not None and (header.processing_id or "P") != rule.processing_id:
        fault = Fault(202, "processing id is not the feed's", "MSH^1^11")
        return _Verdict(header, rule, fault=fault)
    return _judge_content(block, header, rule, door)


def _may_speak(origin: Origin, rule: FeedRule | None) -> bool:
    """Whether a peer, or who writes into a folder or topic, may speak for that feed."""
    if origin.feeds is not None:
        return rule is not None and rule.name in origin.feeds
    needs_name = rule is not None and rule.certificate_names and origin.way in _UNNAMED
    return not needs_name or (rule is not None and origin.way in rule.ways)


def _judge_content(block: bytes, header: Header, rule: FeedRule | None, door: Door) -> _Verdict:
    if rule is None:
        return _Verdict(header, None, reason="no feed")
    messages = headers_in(block)
    if messages > 1:
        return _Verdict(header, rule, reason=f"{messages} messages in one frame")
    if rule.refuse_unusable:
        fault = door.inspect(block, header, rule)
        if fault is not None:
            return _Verdict(header, rule, fault=fault, letter="E")
    return _Verdict(header, rule)


def _impostor(header: Header, rule: FeedRule | None, origin: Origin, door: Door) -> _Verdict:
    """A peer that is known spoke for a feed that is not its own."""
    door.tally.count("impostor")
    feed = rule.name if rule else NOT_ATTRIBUTED
    log.warning(
        "sender_not_bound",
        peer=origin.peer,
        feed=feed,
        control_id=printable(header.control_id, 200),
    )
    fault = Fault(207, "the sender may not speak for this feed", "MSH^1^3")
    return _Verdict(header, rule, fault=fault, is_impostor=True)


def _whole(block: bytes) -> _Bytes:
    return _Bytes(block, digest_of(block), len(block), block)


def _reply(block: Block, stored: Stored, verdict: _Verdict) -> Reply:
    return Reply(stored.answer, stored.id, block.state, stored.is_repeat, verdict.is_over_limit)


def _count(replies: Sequence[Reply], door: Door) -> None:
    """Tell who counts, and once who works, what was stored."""
    kinds = Counter("repeated" if reply.is_repeat else reply.state for reply in replies)
    for kind, n in kinds.items():
        door.tally.count("accepted" if kind == "waiting" else kind, n)
    if kinds["waiting"]:
        door.on_stored()


def _block(kept: _Bytes, verdict: _Verdict, origin: Origin, at: datetime) -> Block:
    header, rule = verdict.header, verdict.rule
    feed = rule.name if rule else ""
    place = origin.place or feed or NOT_ATTRIBUTED
    heard_of = "" if verdict.is_impostor else feed  # a feed that is silent must look so
    return Block(
        received_at=at,
        source=printable(f"{origin.way}:{place}", 300),
        peer=printable(origin.peer, 64),
        feed=heard_of,
        sender=_sender(verdict),
        control_id=printable(header.control_id, 200),
        trigger=printable(header.trigger, 64),
        lane=lane_of(kept.whole, header),
        digest=kept.digest,
        size=kept.size,
        state=_state(verdict, origin),
        reason=verdict.fault.text if verdict.fault else verdict.reason,
        answer=_answer(verdict, kept.digest, at),
        raw=None if verdict.is_over_limit else kept.whole,
        head=_head(kept.head) if verdict.is_over_limit else None,
        line=origin.line,
    )


def _sender(verdict: _Verdict) -> str:
    """Part of a message's identity: what an impostor sent never stands for the sender's own."""
    if not verdict.header.message_type:
        return ""
    sender = verdict.header.sender
    return printable(f"not bound|{sender}" if verdict.is_impostor else sender, 200)


def _state(verdict: _Verdict, origin: Origin) -> State:
    if verdict.fault is not None and origin.is_answered:
        return "refused"
    return "parked" if verdict.fault is not None or verdict.reason else "waiting"


def _answer(verdict: _Verdict, digest: str, at: datetime) -> bytes:
    ack_mode = verdict.rule.ack_mode if verdict.rule else "auto"
    # The digest names the answer, as the answer to the same bytes is the same.
    stamp = ack.Stamp(at, digest[:20].upper(), ack.mode_for(verdict.header, ack_mode))
    if verdict.fault is None:
        return ack.accept(verdict.header, stamp)
    return ack.refuse(verdict.header, stamp, verdict.letter, verdict.fault)


def _head(block: bytes) -> str:
    segment = first_segment(block)[:_HEAD]
    return printable(segment.decode("utf-8", "replace"), _HEAD)
