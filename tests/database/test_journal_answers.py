"""What each kind of frame is answered, and the one row it leaves: contract §8 case by case."""

from collections.abc import Iterator
from pathlib import Path

import hl7.client
import pytest

from ingest import journal
from ingest.header import FeedRule
from ingest.mllp import Limits
from service.database import Database, connect
from tests.support.door import PAS, Standing, an_admission, msa, segment, standing_door

FRAMES = Path(__file__).parents[2] / "fixtures" / "mllp"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Standing]:
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        _make_tables(database)
        with standing_door(database) as standing:
            yield standing


def _make_tables(database: Database) -> None:
    with database.write() as tx:
        journal.metadata.create_all(tx)


@pytest.mark.parametrize(
    ("frame", "code", "echo", "state", "reason"),
    [
        ("plain", "AA", "MSG1", "waiting", ""),
        ("lf-ends", "AA", "MSG1", "waiting", ""),
        ("crlf-ends", "AA", "MSG1", "waiting", ""),
        ("byte-order-mark", "AA", "MSG1", "waiting", ""),
        ("blank-version", "AA", "MSG1", "waiting", ""),
        ("unlisted-version", "AA", "MSG1", "waiting", ""),
        ("no-structure", "AA", "MSG1", "waiting", ""),
        ("empty-processing-id", "AA", "MSG1", "waiting", ""),
        ("no-pv1", "AA", "MSG1", "waiting", ""),
        ("unknown-segment", "AA", "MSG1", "waiting", ""),
        ("vertical-tab-inside", "AA", "MSG1", "waiting", ""),
        ("file-separator-inside", "AA", "MSG1", "waiting", ""),
        ("two-messages", "AA", "MSG1", "parked", "2 messages in one frame"),
        ("no-feed", "AA", "MSG1", "parked", "no feed"),
        ("escaped-line-end", "AA", "MSG1\\X0D\\ZZZ", "waiting", ""),
        ("injected-segment", "AA", "MSG1", "waiting", ""),
        ("no-msh", "AR", "", "refused", "no MSH segment"),
        ("empty", "AR", "", "refused", "no MSH segment"),
        ("no-message-type", "AR", "MSG1", "refused", "no message type"),
        ("no-control-id", "AR", "", "refused", "no control id"),
        ("impossible-encoding", "AR", "MSG1", "refused", "impossible encoding characters"),
        ("impossible-separator", "AR", "", "refused", "no field separator"),
        ("training", "AR", "MSG1", "refused", "processing id is not the feed's"),
        ("training-2-5", "CR", "MSG1", "refused", "processing id is not the feed's"),
    ],
)
def test_every_frame_gets_one_answer_and_one_row(
    door: Standing, frame: str, code: str, echo: str, state: str, reason: str
) -> None:
    sent = (FRAMES / f"{frame}.mllp").read_bytes()
    with door.connect() as client:
        client.send(sent)
        answer = client.answer()
        client.send((FRAMES / "plain.mllp").read_bytes())
        client.answer()  # the connection is still good
        assert client.buffer == b""
    assert msa(answer) == (code, echo)
    row = door.rows()[0]
    assert (row.state, row.reason, row.raw) == (state, reason, sent[1:-2])
    assert len(door.rows()) == (1 if frame == "plain" else 2)


def test_odd_separators_are_answered_as_declared(door: Standing) -> None:
    with door.connect() as client:
        client.send((FRAMES / "odd-separators.mllp").read_bytes())
        answer = client.answer()
    assert answer.startswith(b"MSH#*!/%#CARER#HUB#TRAK#L302H#")
    assert msa(answer, b"#") == ("AA", "MSG1")
    assert (door.rows()[0].feed, door.rows()[0].trigger) == ("pas", "A01")


@pytest.mark.parametrize(
    ("frame", "location", "code"),
    [
        ("no-msh", b"MSH^1", b"100"),
        ("impossible-encoding", b"MSH^1^2", b"100"),
        ("no-message-type", b"MSH^1^9", b"101"),
        ("no-control-id", b"MSH^1^10", b"101"),
        ("training-2-5", b"MSH^1^11", b"202"),
    ],
)
def test_a_refusal_says_where_and_why(
    door: Standing, frame: str, location: bytes, code: bytes
) -> None:
    with door.connect() as client:
        client.send((FRAMES / f"{frame}.mllp").read_bytes())
        err = segment(client.answer(), b"ERR")
    assert location in err
    assert code in err


def test_what_cannot_be_attributed_has_no_sender_and_no_feed(door: Standing) -> None:
    with door.connect() as client:
        client.send((FRAMES / "no-msh.mllp").read_bytes())
        client.answer()
    row = door.rows()[0]
    assert (row.source, row.feed, row.control_id) == ("mllp:-", "", "")


def test_a_message_of_no_feed_is_parked_under_a_dash(door: Standing) -> None:
    door.ask(an_admission(application="OTHER"))
    assert door.rows()[0].source == "mllp:-"


def test_an_accepted_message_names_its_feed_and_rings_the_bell(door: Standing) -> None:
    door.ask(an_admission())
    row = door.rows()[0]
    assert (row.source, row.feed, row.trigger, row.control_id) == (
        "mllp:pas",
        "pas",
        "A01",
        "MSG1",
    )
    assert door.counts.counted == {"accepted": 1, "bell": 1}


@pytest.mark.parametrize(
    ("accept", "code"),
    [("", "AA"), ("NE", "AA"), ("AL", "CA"), ("SU", "CA"), ("ER", "CA")],
)
def test_the_mode_follows_what_the_sender_asks(door: Standing, accept: str, code: str) -> None:
    assert msa(door.ask(an_admission(accept=accept)))[0] == code


@pytest.mark.parametrize(
    ("accept", "code"),
    [("", "AE"), ("AL", "CE")],
)
def test_a_strict_feed_refuses_unusable_content_and_says_where(
    door: Standing, accept: str, code: str
) -> None:
    unusable = an_admission(application="STRICT", accept=accept, version="2.5")
    answer = door.ask(unusable.replace(b"^^^NHS", b""))
    assert msa(answer) == (code, "MSG1")
    assert segment(answer, b"ERR").startswith(b"ERR||PID^1^3|101^Required field missing^HL70357|E")
    assert door.rows()[0].state == "refused"


def test_a_strict_feed_accepts_what_is_usable(door: Standing) -> None:
    assert msa(door.ask(an_admission(application="STRICT"))) == ("AA", "MSG1")


def test_a_lenient_feed_keeps_unusable_content_for_the_worker(door: Standing) -> None:
    assert msa(door.ask(an_admission().replace(b"^^^NHS", b""))) == ("AA", "MSG1")
    assert door.rows()[0].state == "waiting"


def test_a_repeat_gets_the_same_bytes_and_no_second_row(door: Standing) -> None:
    answers = {door.ask(an_admission()) for _ in range(100)}
    assert len(answers) == 1
    assert [row.repeats for row in door.rows()] == [99]
    assert door.counts.counted["repeated"] == 99


def test_a_repeat_is_known_after_a_restart(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        with connect(f"sqlite:///{tmp_path}/door.db") as database:
            _make_tables(database)
            with standing_door(database) as door:
                answers.append(door.ask(an_admission()))
                rows = door.rows()
    assert answers[0] == answers[1]
    assert [row.repeats for row in rows] == [1]


def test_a_repeat_of_a_refused_frame_is_a_repeat(door: Standing) -> None:
    refused = an_admission(processing="T")
    assert door.ask(refused) == door.ask(refused)
    assert [(row.state, row.repeats) for row in door.rows()] == [("refused", 1)]


def test_the_same_control_id_with_other_bytes_is_new_and_flagged(door: Standing) -> None:
    assert msa(door.ask(an_admission())) == ("AA", "MSG1")
    assert msa(door.ask(an_admission(name="TESTPERSON^BELLA"))) == ("AA", "MSG1")
    assert [row.flags for row in door.rows()] == ["", "control-id-reused"]


def test_the_same_control_id_of_another_sender_is_not_flagged(door: Standing) -> None:
    door.ask(an_admission())
    door.ask(an_admission(facility="OTHER"))
    assert [row.flags for row in door.rows()] == ["", ""]


def test_a_long_control_id_is_echoed_in_part(door: Standing) -> None:
    assert msa(door.ask(an_admission("X" * 2_300))) == ("AA", "X" * 2_000)


@pytest.mark.parametrize(
    "crowd", [b"~", b"^", b"&", b"|", b"\\", b"Z\r", b"Z\n"], ids=lambda crowd: repr(crowd)
)
def test_a_frame_of_separators_is_refused_before_it_is_parsed(door: Standing, crowd: bytes) -> None:
    with door.connect() as client:
        answer = client.ask(an_admission() + b"ZZZ|" + crowd * (1_000_000 // len(crowd)))
        assert msa(answer) == ("AR", "MSG1")
        assert client.is_closed()
    row = door.rows()[0]
    assert (row.state, row.raw) == ("refused", b"")
    assert row.head.startswith("MSH|")
    assert row.digest


def test_a_hundred_thousand_repetitions_of_an_identifier_are_refused(door: Standing) -> None:
    many = an_admission().replace(b"9990000018", b"1~" * 100_000 + b"9990000018")
    assert msa(door.ask(many)) == ("AR", "MSG1")
    assert door.rows()[0].reason == "more than 50000 separators"


def test_a_frame_over_the_limit_is_refused_and_the_connection_closed(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        _make_tables(database)
        with standing_door(database, Limits(message_bytes=10_000)) as door:
            long = an_admission() + b"ZZZ|" + b"x" * 4_000_000
            for _ in range(2):
                with door.connect() as client:
                    assert msa(client.ask(long)) == ("AR", "MSG1")
                    assert client.is_closed()
            assert msa(door.ask(an_admission("SMALL"))) == ("AA", "SMALL")
            refused = door.rows()[0]
            assert (refused.state, refused.raw, refused.repeats) == ("refused", b"", 1)


def test_a_frame_over_the_limit_without_a_header_is_a_frame_error(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        _make_tables(database)
        with standing_door(database, Limits(message_bytes=10_000)) as door:
            with door.connect() as client:
                client.send(b"\x0b" + b"x" * 20_000)
                assert client.is_closed()
            assert door.rows() == []
            assert door.counts.wait_for("frame_too_long")


def test_a_message_exactly_at_the_limit_is_taken(tmp_path: Path) -> None:
    block = an_admission()
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        _make_tables(database)
        with standing_door(database, Limits(message_bytes=len(block))) as door:
            assert msa(door.ask(block)) == ("AA", "MSG1")
            assert msa(door.ask(block + b"x")) == ("AR", "MSG1")


def test_an_independent_client_is_answered(door: Standing) -> None:
    with hl7.client.MLLPClient("127.0.0.1", door.listener.port) as client:
        for number in range(3):
            answer = client.send_message(an_admission(f"MSG{number}"))
            assert msa(answer.strip(b"\x0b\x1c\r")) == ("AA", f"MSG{number}")


def test_the_most_specific_feed_takes_the_message(tmp_path: Path) -> None:
    rules = (FeedRule("any"), FeedRule("site", sending_facility="L302H"), PAS)
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        _make_tables(database)
        with standing_door(database, rules=rules) as door:
            door.ask(an_admission("1"))
            door.ask(an_admission("2", application="OTHER"))
            door.ask(an_admission("3", application="OTHER", facility="ELSEWHERE"))
            assert [row.feed for row in door.rows()] == ["pas", "site", "any"]
