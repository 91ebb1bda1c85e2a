"""The sending client, against our own door and against servers that misbehave."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from ingest import journal
from ingest.send import Destination, send
from service.database import Database, connect
from tests.support.door import Client, an_admission, framed, standing_door


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with connect(f"sqlite:///{tmp_path}/door.db") as opened:
        with opened.write() as tx:
            journal.metadata.create_all(tx)
        yield opened


def test_answers_are_counted_by_code_and_failures_are_named(database: Database) -> None:
    messages = [an_admission("1"), an_admission("2", processing="T"), an_admission("3")]
    progress: list[int] = []
    with standing_door(database) as door:
        to = Destination("127.0.0.1", door.listener.port)
        sent = send(messages, to, rate=1_000, on_progress=progress.append)
    assert sent.counts == {"AA": 2, "AR": 1}
    assert [(failure.control_id, failure.code) for failure in sent.failures] == [("2", "AR")]
    assert "202" in sent.failures[0].reason
    assert progress == [1, 2, 3]


def test_messages_go_over_tls(database: Database) -> None:
    ca = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    with standing_door(database, tls=server) as door:
        to = Destination("localhost", door.listener.port, trusting)
        assert send([an_admission()], to).counts == {"AA": 1}


def test_a_refused_connection_ends_the_sending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    sent = send([an_admission("1"), an_admission("2")], Destination("127.0.0.1", port))
    assert (sent.counts, sent.unsent) == ({}, 1)
    assert sent.failures[0].reason == "ConnectionRefusedError"


def test_no_answer_drops_the_connection_and_the_message_goes_again() -> None:
    seen: list[bytes] = []

    def silent_first(client: Client, number: int) -> None:
        seen.append(client.answer())
        if number == 0:
            client.socket.recv(1)  # until the sender gives up
        else:
            client.send(framed(b"MSH|^~\\&|\rMSA|AA|1\r"))

    with _server(silent_first) as port:
        sent = send([an_admission("1")], Destination("127.0.0.1", port, patience=0.3))
    assert sent.counts == {"AA": 1}
    assert seen == [an_admission("1")] * 2


def test_the_answer_to_another_message_is_not_taken() -> None:
    def late(client: Client, _number: int) -> None:
        client.answer()
        client.send(framed(b"MSH|^~\\&|\rMSA|AA|OTHER\r") + framed(b"MSH|^~\\&|\rMSA|AE|1\r"))
        client.socket.recv(1)

    with _server(late) as port:
        sent = send([an_admission("1")], Destination("127.0.0.1", port, patience=1))
    assert sent.counts == {"AE": 1}


@contextmanager
def _server(serve: Callable[[Client, int], None]) -> Iterator[int]:
    """Takes two connections, one after the other, and does with them what it is told."""
    bound = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for number in range(2):
            try:
                opened, _ = bound.accept()
            except OSError:
                return
            with Client(opened) as client:
                serve(client, number)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        bound.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        bound.close()
