"""Faults of transport, each once against a real socket: nobody waits, nothing is half taken."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from ingest import journal
from ingest.mllp import Limits
from service.database import Database, connect
from tests.support.door import Client, Standing, an_admission, framed, msa, standing_door

FRAME = framed(an_admission())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with connect(f"sqlite:///{tmp_path}/door.db") as opened:
        with opened.write() as tx:
            journal.metadata.create_all(tx)
        yield opened


@pytest.fixture
def door(database: Database) -> Iterator[Standing]:
    with standing_door(database, Limits(frame_for=0.5, peer_connections=8)) as standing:
        yield standing


@pytest.mark.parametrize("length", [1, 2, 50, len(FRAME) - 2, len(FRAME) - 1])
def test_half_a_frame_and_a_close_is_dropped_and_counted(door: Standing, length: int) -> None:
    with door.connect() as client:
        client.send(FRAME[:length])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert door.counts.wait_for("frame_half")
    assert msa(door.ask(an_admission("NEXT"))) == ("AA", "NEXT")
    assert [row.control_id for row in door.rows()] == ["NEXT"]


def test_half_a_frame_and_a_reset_is_dropped_and_counted(door: Standing) -> None:
    client = door.connect()
    client.send(FRAME[:50])
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.socket.close()
    assert door.counts.wait_for("frame_half")
    assert msa(door.ask(an_admission("NEXT"))) == ("AA", "NEXT")


@pytest.mark.parametrize("length", [1, 50, len(FRAME) - 1])
def test_half_a_frame_and_silence_is_closed_at_the_deadline(door: Standing, length: int) -> None:
    with door.connect() as client:
        client.send(FRAME[:length])
        assert client.is_closed()
    assert door.counts.wait_for("frame_late")
    assert door.rows() == []


def test_a_frame_that_trickles_is_closed_at_the_deadline(door: Standing) -> None:
    with door.connect() as client:
        started = time.monotonic()
        try:
            for byte in FRAME:
                client.send(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass  # closed on us
        assert time.monotonic() - started < 5
    assert door.counts.wait_for("frame_late")


def test_an_idle_connection_outlives_the_frame_deadline(door: Standing) -> None:
    with door.connect() as client:
        client.ask(an_admission("1"))
        time.sleep(0.7)
        assert msa(client.ask(an_admission("2"))) == ("AA", "2")


def test_one_address_may_hold_only_so_many_connections(door: Standing) -> None:
    held = [door.connect() for _ in range(8)]
    for client in held:
        client.ask(an_admission())
    with door.connect() as ninth:
        assert ninth.is_closed()
    assert door.counts.wait_for("connection_refused")
    held.pop().socket.close()
    assert _until(lambda: door.listener.connections() == 7)
    assert msa(door.ask(an_admission("LEGIT"))) == ("AA", "LEGIT")
    for client in held:
        client.socket.close()


def test_junk_between_frames_is_counted_and_skipped(door: Standing) -> None:
    with door.connect() as client:
        client.send(b"junk" + framed(an_admission("1")) + b"\r\nmore" + framed(an_admission("2")))
        assert [msa(client.answer()), msa(client.answer())] == [("AA", "1"), ("AA", "2")]


def test_too_much_junk_closes_the_connection(door: Standing) -> None:
    with door.connect() as client:
        _send_for_ever(client, b"GET / HTTP/1.1\r\n" * 64)
    assert door.counts.wait_for("frame_junk")
    assert door.rows() == []


def test_a_frame_may_come_byte_by_byte(door: Standing) -> None:
    with door.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in FRAME:
            client.send(bytes([byte]))
        assert msa(client.answer()) == ("AA", "MSG1")


def test_fifty_frames_in_one_packet_are_answered_in_order(door: Standing) -> None:
    with door.connect() as client:
        client.send(b"".join(framed(an_admission(f"{n}")) for n in range(50)))
        assert [msa(client.answer())[1] for _ in range(50)] == [f"{n}" for n in range(50)]
    assert [row.control_id for row in door.rows()] == [f"{n}" for n in range(50)]


def test_a_client_that_never_reads_holds_up_nobody_else(door: Standing) -> None:
    deaf = door.connect()
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sending = threading.Thread(
        target=_send_for_ever, args=(deaf, framed(an_admission())), daemon=True
    )
    sending.start()
    for number in range(20):
        assert msa(door.ask(an_admission(f"OTHER{number}"))) == ("AA", f"OTHER{number}")
    deaf.socket.shutdown(socket.SHUT_RDWR)
    sending.join(5)
    deaf.socket.close()


def test_what_cannot_be_stored_is_not_answered(door: Standing) -> None:
    _refuse_rows(door.database, "control_id = 'BAD'")
    with door.connect() as client:
        client.send(framed(an_admission("BAD")))
        assert client.is_closed()
    assert door.counts.wait_for("not_stored")
    assert msa(door.ask(an_admission("GOOD"))) == ("AA", "GOOD")


def test_stopping_finishes_the_frame_in_hand(door: Standing) -> None:
    with door.connect() as idle, door.connect() as busy:
        idle.ask(an_admission("1"))
        busy.send(FRAME[:50])
        assert _until(lambda: door.listener.connections() == 2)
        stopping = threading.Thread(target=door.listener.stop, args=(5.0,))
        stopping.start()
        assert idle.is_closed()
        busy.send(FRAME[50:])
        assert msa(busy.answer()) == ("AA", "MSG1")
        busy.socket.close()
        stopping.join(5)
        assert not stopping.is_alive()
    with pytest.raises(ConnectionRefusedError):
        door.connect()
    assert [row.control_id for row in door.rows()] == ["1", "MSG1"]


def test_what_was_sent_before_stopping_is_heard_by_a_busy_door(door: Standing) -> None:
    with door.connect() as first, door.connect() as second:
        assert msa(second.ask(an_admission("0"))) == ("AA", "0")
        stopping = threading.Thread(target=door.listener.stop, args=(5.0,))
        with door.database.write():  # the door waits for its turn to store
            first.send(framed(an_admission("1")))
            assert _until(door.database.wanted)
            second.send(FRAME[:50])
            stopping.start()
            assert _until(door.listener._loop._is_stopping.is_set)
        assert msa(first.answer()) == ("AA", "1")
        second.send(FRAME[50:])
        assert msa(second.answer()) == ("AA", "MSG1")
    stopping.join(5)
    assert [row.control_id for row in door.rows()] == ["0", "1", "MSG1"]


def test_stopping_cuts_off_who_does_not_finish(database: Database) -> None:
    with standing_door(database) as door, door.connect() as client:
        client.send(FRAME[:50])
        assert _until(lambda: door.listener.connections() == 1)
        time.sleep(0.1)
        assert door.listener.stop(drain_for=0.2) == 1
        assert client.is_closed()


def test_tls_takes_frames_and_turns_away_who_speaks_none(database: Database) -> None:
    ca = trustme.CA()
    server, trusting = (
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    ca.issue_cert("localhost").configure_cert(server)
    ca.configure_trust(trusting)
    with standing_door(database, Limits(handshake_for=0.5), tls=server) as door:
        with door.connect() as silent, door.connect() as plain:
            plain.send(FRAME)
            opened = door.connect().socket
            with Client(trusting.wrap_socket(opened, server_hostname="localhost")) as client:
                assert msa(client.ask(an_admission("1"))) == ("AA", "1")
                assert msa(client.ask(an_admission("2"))) == ("AA", "2")
                assert silent.is_closed()
        assert door.counts.wait_for("handshake_failed", 2)
        assert [row.control_id for row in door.rows()] == ["1", "2"]


def test_mutual_tls_turns_away_who_has_no_certificate(database: Database) -> None:
    ca = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server)
    ca.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(trusting)
    with standing_door(database, tls=server) as door:
        unknown = trusting.wrap_socket(door.connect().socket, server_hostname="localhost")
        with Client(unknown) as client, pytest.raises((OSError, AssertionError)):
            client.ask(an_admission())
        ca.issue_cert("feed@example.org").configure_cert(trusting)
        known = trusting.wrap_socket(door.connect().socket, server_hostname="localhost")
        with Client(known) as client:
            assert msa(client.ask(an_admission())) == ("AA", "MSG1")
        assert len(door.rows()) == 1


def _send_for_ever(client: Client, data: bytes) -> None:
    try:
        while True:
            client.send(data)
    except OSError:
        pass  # the other side, or the test, has closed


def _refuse_rows(database: Database, condition: str) -> None:
    with database.write() as tx:
        tx.exec_driver_sql(
            f"CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN NEW.{condition} "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )


def _until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.01)
    return False
