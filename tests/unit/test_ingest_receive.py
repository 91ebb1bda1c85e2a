"""One block in, one answer out, for every way a block may come."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from ingest.header import FeedRule
from ingest.journal import Block, Stored
from ingest.mllp import FrameTooLong
from ingest.receive import Door, Incoming, Origin, receive, receive_all, receive_too_long
from tests.support.door import Counts, an_admission, msa


@dataclass
class Kept:
    """Keeps what would be stored."""

    blocks: list[Block] = field(default_factory=list)

    def commit(self, blocks: Sequence[Block]) -> list[Stored]:
        self.blocks += blocks
        first = len(self.blocks) - len(blocks) + 1
        return [Stored(n, block.answer, False) for n, block in enumerate(blocks, first)]


def a_door(kept: Kept) -> Door:
    return Door(
        rules=(FeedRule("pas", sending_application="TRAK"),),
        commit=kept.commit,
        now=lambda: datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        inspect=lambda *_: None,
        tally=Counts(),
        on_stored=lambda: None,
    )


def test_a_message_over_http_names_its_feed() -> None:
    kept = Kept()
    reply = receive(an_admission(), Origin("10.0.0.1", way="http"), a_door(kept))
    assert msa(reply.answer) == ("AA", "MSG1")
    assert (kept.blocks[0].source, kept.blocks[0].peer) == ("http:pas", "10.0.0.1")


def test_a_way_that_knows_its_place_names_that() -> None:
    kept = Kept()
    origin = Origin("", way="kafka", place="adt.hl7v2/0/17", is_answered=False)
    assert receive(an_admission(), origin, a_door(kept)).state == "waiting"
    assert (kept.blocks[0].source, kept.blocks[0].feed) == ("kafka:adt.hl7v2/0/17", "pas")


def test_what_cannot_be_answered_is_parked_where_it_would_be_refused() -> None:
    kept = Kept()
    origin = Origin("", way="folder", place="day.hl7", is_answered=False)
    receive(b"no message", origin, a_door(kept))
    receive(an_admission(processing="T"), origin, a_door(kept))
    assert [(block.state, block.reason) for block in kept.blocks] == [
        ("parked", "no MSH segment"),
        ("parked", "processing id is not the feed's"),
    ]


def test_a_message_over_the_limit_keeps_header_and_digest_only() -> None:
    kept = Kept()
    failure = FrameTooLong(an_admission(), "d" * 64, 5_000_000)
    reply = receive_too_long(failure, Origin("10.0.0.1"), a_door(kept))
    assert reply is not None
    assert (msa(reply.answer), reply.is_last) == (("AR", "MSG1"), True)
    (block,) = kept.blocks
    assert (block.raw, block.size, block.digest) == (None, 5_000_000, "d" * 64)
    assert block.head is not None
    assert block.head.startswith("MSH|")
    assert "TESTPERSON" not in block.head


def test_a_long_frame_without_a_header_has_no_answer() -> None:
    kept = Kept()
    assert receive_too_long(FrameTooLong(b"x", "d", 9), Origin(""), a_door(kept)) is None
    assert kept.blocks == []


def test_texts_of_a_sender_are_cut_and_made_printable_before_they_are_stored() -> None:
    kept = Kept()
    strange = an_admission("ID\x00" + "x" * 300, facility="A\x07" + "y" * 300)
    receive(strange, Origin("10.0.0.1"), a_door(kept))
    (block,) = kept.blocks
    assert block.control_id == "ID?" + "x" * 197
    assert len(block.sender) == 200
    assert block.sender.isprintable()
    assert block.raw == strange


def test_a_known_peer_that_speaks_for_another_feed_is_refused_and_counted() -> None:
    kept, counts = Kept(), Counts()
    door = replace(a_door(kept), tally=counts)
    reply = receive(an_admission(), Origin("10.0.0.1", feeds=frozenset({"other"})), door)
    assert msa(reply.answer) == ("AR", "MSG1")
    assert (kept.blocks[0].state, kept.blocks[0].reason) == (
        "refused",
        "the sender may not speak for this feed",
    )
    assert counts.counted["impostor"] == 1
    assert receive(an_admission(), Origin("10.0.0.1", feeds=frozenset({"pas"})), door).state == (
        "waiting"
    )


@pytest.mark.parametrize(
    ("way", "ways", "state"),
    [
        ("folder", frozenset(), "parked"),
        ("kafka", frozenset({"folder"}), "parked"),
        ("folder", frozenset({"folder"}), "waiting"),
        ("http", frozenset(), "refused"),
    ],
)
def test_a_feed_that_names_certificates_is_spoken_for_only_as_the_site_says(
    way: str, ways: frozenset[str], state: str
) -> None:
    kept, counts = Kept(), Counts()
    rule = FeedRule("pas", certificate_names=("pas.hospital.example",), ways=ways)
    door = replace(a_door(kept), tally=counts, rules=(rule,))
    origin = Origin("", way=way, place=f"{way}:x", is_answered=way == "http")
    assert receive(an_admission(), origin, door).state == state
    assert counts.counted["impostor"] == (state != "waiting")


def test_blocks_that_came_together_are_stored_as_one_group_and_answered_in_order() -> None:
    groups: list[int] = []
    kept = Kept()

    def commit(blocks: Sequence[Block]) -> list[Stored]:
        groups.append(len(blocks))
        return kept.commit(blocks)

    door = replace(a_door(kept), commit=commit)
    came = [Incoming(an_admission(control_id=f"M{n}"), Origin("", way="kafka")) for n in range(5)]
    replies = receive_all([*came, Incoming(b"junk", Origin("", way="kafka"))], door)
    assert groups == [6]
    assert [msa(reply.answer)[1] for reply in replies[:5]] == ["M0", "M1", "M2", "M3", "M4"]
    assert replies[5].state == "refused"


def test_a_long_block_without_a_header_is_parked_where_nobody_can_be_told() -> None:
    kept = Kept()
    failure = FrameTooLong(head=b"x" * 100, digest="d" * 64, size=2_000_000)
    assert receive_too_long(failure, Origin("10.0.0.1"), a_door(kept)) is None
    origin = Origin("", way="kafka", place="adt.hl7v2/0/3", is_answered=False)
    reply = receive_too_long(failure, origin, a_door(kept))
    assert reply is not None
    assert (reply.state, kept.blocks[0].source) == ("parked", "kafka:adt.hl7v2/0/3")
