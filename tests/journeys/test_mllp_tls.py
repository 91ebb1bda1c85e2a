"""Mutual TLS on the MLLP port: who gets in, what they may say, and who is turned away and why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hl7.client import MLLPClient
from structlog.testing import capture_logs

from ingest import journal
from ingest.mllp import END, Limits
from service.database import Database, connect
from service.tls import client_tls
from tests.support.authority import HOST, Authority, Pair
from tests.support.door import Standing, an_admission, framed, msa, standing_door
from tests.support.mutual_tls import (
    HAIRMYRES,
    MONKLANDS,
    OURS,
    RULES,
    THEIRS,
    a_door,
    connect_from,
    flood_until,
    hello_of,
    is_turned_away,
    reasons,
    s_client,
    send_slowly,
    speaking,
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "ca"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with connect(f"sqlite:///{tmp_path}/door.db") as opened:
        with opened.write() as tx:
            journal.metadata.create_all(tx)
        yield opened


@pytest.fixture
def door(database: Database, authority: Authority) -> Iterator[Standing]:
    with a_door(database, authority) as standing:
        yield standing


def test_a_certificate_that_names_the_facility_gets_its_message_in(door, authority):
    shown = authority.issue("l302h")
    with speaking(door, authority.sender(shown)) as client:
        assert msa(client.ask(OURS)) == ("AA", "OURS")
    assert [(row.feed, row.state) for row in door.rows()] == [("monklands", "waiting")]


def test_a_certificate_on_a_feeds_list_gets_its_message_in(door, authority):
    shown = authority.issue("x.example", common_name="Engine.Example")
    with speaking(door, authority.sender(shown)) as client:
        assert msa(client.ask(THEIRS)) == ("AA", "THEIRS")


def test_a_certificate_of_one_hospital_cannot_speak_for_another(door, authority):
    shown = authority.issue("engine.example")
    with capture_logs() as logged, speaking(door, authority.sender(shown)) as client:
        assert msa(client.ask(OURS)) == ("AR", "OURS")
        assert msa(client.ask(an_admission("NOBODYS", facility="L999H"))) == ("AR", "NOBODYS")
        assert msa(client.ask(THEIRS)) == ("AA", "THEIRS"), "the connection goes on"
    why = "the sender may not speak for this feed"
    assert [(row.control_id, row.state, row.reason) for row in door.rows()] == [
        ("OURS", "refused", why),
        ("NOBODYS", "refused", why),
        ("THEIRS", "waiting", ""),
    ]
    assert door.counts.counted["impostor"] == 2
    events = [line for line in logged if line["event"] == "sender_not_bound"]
    assert [(line["peer"], line["feed"]) for line in events] == [
        ("127.0.0.1", "monklands"),
        ("127.0.0.1", "-"),
    ]
    assert "TESTPERSON" not in str(logged)


def test_what_an_impostor_sent_never_stands_for_the_senders_own(door, authority):
    impostor = authority.sender(authority.issue("engine.example"))
    sender = authority.sender(authority.issue("l302h"))
    for context, code in ((impostor, "AR"), (sender, "AA"), (impostor, "AR"), (sender, "AA")):
        with speaking(door, context) as client:
            assert msa(client.ask(OURS)) == (code, "OURS")
    assert [row.state for row in door.rows()] == ["refused", "waiting"]


def test_a_certificate_that_names_no_feed_speaks_for_those_that_list_nobody(door, authority):
    with speaking(door, authority.sender(authority.issue("stranger.example"))) as client:
        assert msa(client.ask(OURS)) == ("AA", "OURS")
        assert msa(client.ask(THEIRS)) == ("AR", "THEIRS")


@pytest.mark.parametrize(
    "data", [framed(OURS), b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64], ids=["MLLP", "HTTP", "zeros"]
)
def test_plain_text_is_turned_away(door: Standing, data: bytes):
    with capture_logs() as logged, door.connect() as client:
        client.send(data)
        with suppress(ConnectionResetError):
            assert b"MSA" not in client.socket.recv(1024), "an alert at most"
        assert door.counts.wait_for("handshake_failed")
    assert reasons(logged) == ["no TLS was spoken"]
    assert door.rows() == []


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (lambda ca, _: ca.issue("l302h", days=-1), "certificate refused: certificate has expired"),
        (lambda _, other: other.issue("l302h"), "certificate refused: unable to get local issuer"),
        (lambda *_: None, "no certificate was shown"),
        (lambda ca, _: ca.issue("stranger"), "the certificate may speak for no feed here (SHA-256"),
    ],
    ids=["expired", "wrong CA", "none", "wrong name"],
)
def test_a_bad_certificate_is_turned_away(
    database: Database,
    authority: Authority,
    tmp_path: Path,
    shown: Callable[[Authority, Authority], Pair | None],
    reason: str,
):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    sender = authority.sender(shown(authority, Authority(folder)))
    with a_door(database, authority, (HAIRMYRES,)) as door, capture_logs() as logged:
        assert is_turned_away(door, sender)
    (said,) = reasons(logged)
    assert said.startswith(reason)
    assert "stranger" not in str(logged)


def test_a_revoked_certificate_is_turned_away_and_the_others_are_not(database, authority):
    good, revoked = authority.issue("l302h"), authority.issue("l302h")
    client_ca = authority.ca_file_revoking(revoked)
    with a_door(database, authority, client_ca=client_ca) as door, capture_logs() as logged:
        assert is_turned_away(door, authority.sender(revoked))
        with speaking(door, authority.sender(good)) as client:
            assert msa(client.ask(OURS)) == ("AA", "OURS")
        with speaking(door, client_tls(authority.settings())) as probe:
            assert msa(probe.ask(THEIRS)) == ("AA", "THEIRS")
    assert reasons(logged) == ["certificate refused: certificate revoked"]


def test_a_list_of_the_revoked_that_has_run_out_lets_nobody_in(database, authority):
    client_ca = authority.ca_file_revoking(days=-1)
    with a_door(database, authority, client_ca=client_ca) as door, capture_logs() as logged:
        assert is_turned_away(door, authority.sender(authority.issue("l302h")))
    assert reasons(logged) == ["certificate refused: CRL has expired"]


def test_tls_below_1_2_is_turned_away(door: Standing, authority: Authority):
    with capture_logs() as logged:
        asked = s_client(door, authority, authority.issue("l302h"), "-tls1_1")
        asked.communicate(framed(OURS), timeout=20)
        assert door.counts.wait_for("handshake_failed")
    assert reasons(logged) == ["only TLS below 1.2 was offered"]


def test_a_handshake_has_its_time_and_no_more(database, authority):
    assert Limits().handshake_for == 10
    limits = Limits(handshake_for=0.5)
    with (
        a_door(database, authority, limits=limits) as door,
        capture_logs() as logged,
        door.connect() as silent,
        door.connect() as trickling,
    ):
        trickle = threading.Thread(target=send_slowly, args=(trickling, hello_of(authority)))
        trickle.start()
        with speaking(door, authority.sender(authority.issue("l302h"))) as client:
            assert msa(client.ask(OURS)) == ("AA", "OURS"), "nobody else waits"
        assert silent.is_closed()
        assert door.counts.wait_for("handshake_failed", 2)
        trickle.join(10)
    assert reasons(logged) == ["the handshake was not finished in time"] * 2


def test_an_address_of_its_own_takes_its_feed_alone(database, authority):
    engine = authority.sender(authority.issue("engine.example"))
    stranger = authority.sender(authority.issue("stranger.example"))
    with a_door(database, authority, (MONKLANDS,)) as door, capture_logs() as logged:
        assert is_turned_away(door, engine), "it is bound to a feed that comes in elsewhere"
        with speaking(door, stranger) as client:
            assert msa(client.ask(OURS)) == ("AA", "OURS")
            assert msa(client.ask(THEIRS)) == ("AR", "THEIRS")
    assert "the certificate may speak for no feed here" in reasons(logged)[0]


def test_without_mutual_tls_a_feed_that_lists_names_takes_nothing(database):
    with standing_door(database, rules=RULES) as door, door.connect() as client:
        assert msa(client.ask(OURS)) == ("AA", "OURS")
        assert msa(client.ask(THEIRS)) == ("AR", "THEIRS")
    with standing_door(database, rules=(HAIRMYRES,)) as door, door.connect() as client:
        assert client.is_closed()
        assert door.counts.wait_for("handshake_failed")


def test_openssl_as_a_sender_is_answered(door: Standing, authority: Authority):
    sender = s_client(door, authority, authority.issue("l302h"))
    try:
        assert sender.stdin is not None
        assert sender.stdout is not None
        sender.stdin.write(framed(OURS))
        sender.stdin.flush()
        answer = b""
        while END not in answer:
            part = sender.stdout.read1(4096)
            assert part, "closed without an answer"
            answer += part
    finally:
        sender.kill()
        sender.communicate()
    assert msa(answer.strip(b"\x0b\x1c\r")) == ("AA", "OURS")


def test_python_hl7_as_a_sender_is_answered(door: Standing, authority: Authority):
    context = authority.sender(authority.issue("l302h"))
    with MLLPClient("127.0.0.1", door.listener.port) as client:
        client.socket = context.wrap_socket(client.socket, server_hostname=HOST)
        for number in range(3):
            answer = client.send_message(an_admission(str(number)))
            assert msa(answer.strip(b"\x0b\x1c\r")) == ("AA", str(number))


def test_a_full_house_turns_out_who_never_said_a_word(database, authority):
    sender = authority.sender(authority.issue("l302h"))
    limits = Limits(connections=20)
    with a_door(database, authority, limits=limits) as door, speaking(door, sender) as regular:
        assert msa(regular.ask(OURS)) == ("AA", "OURS")
        with ExitStack() as held:
            idle = [held.enter_context(connect_from("127.0.1.1", door)) for _ in range(40)]
            assert door.counts.wait_for("connection_refused", 21)
            assert idle[0].recv(1) == b""
            with speaking(door, sender) as newcomer:
                assert msa(newcomer.ask(an_admission("NEW"))) == ("AA", "NEW")
            assert msa(regular.ask(an_admission("STILL"))) == ("AA", "STILL")


def test_hundreds_of_idle_and_half_open_connections_hold_nobody_up(database, authority):
    limits = Limits(peer_connections=100, handshake_for=60)
    sender, took = authority.sender(authority.issue("l302h")), []
    with a_door(database, authority, limits=limits) as door, ExitStack() as held:
        for number in range(400):
            flooding = connect_from(f"127.0.1.{number % 4}", door)
            held.enter_context(flooding)
            if number % 2:
                flooding.sendall(hello_of(authority)[:100])
        stop = threading.Event()
        flood = threading.Thread(target=flood_until, args=(stop, door))
        flood.start()
        try:
            with speaking(door, sender) as client:
                for number in range(200):
                    began = time.monotonic()
                    assert msa(client.ask(an_admission(str(number))))[0] == "AA"
                    took.append(time.monotonic() - began)
            for number in range(20):
                began = time.monotonic()
                with speaking(door, sender) as client:
                    assert msa(client.ask(an_admission(f"NEW{number}")))[0] == "AA"
                took.append(time.monotonic() - began)
        finally:
            stop.set()
            flood.join(10)
        assert door.counts.counted["connection_refused"] > 0
        assert door.listener.connections() >= 400
    assert sorted(took)[int(len(took) * 0.99)] < 1
