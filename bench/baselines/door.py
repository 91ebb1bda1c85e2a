"""Straw man of the door: journal only, group commit, one thread, nothing else.

Whatever the ready sockets hold goes into one transaction, then each is answered.
Usage: door.py FOLDER-OR-URL; prints its port. SQLite in that folder, or a database on a server.
"""

import selectors
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psycopg

START, END = b"\x0b", b"\x1c\r"
Kept = tuple[float, bytes, str, bytes]
Keep = Callable[[list[Kept]], None]
ANSWER = b"\x0bMSH|^~\\&|||||||ACK|%b|P|2.4\rMSA|AA|%b\r\x1c\r"


def main(place: str) -> None:
    """Answer until the process is ended."""
    keep = on_server(place) if place.startswith("postgresql") else in_file(Path(place))
    door = socket.create_server(("127.0.0.1", 0), backlog=256)
    ready = selectors.DefaultSelector()
    ready.register(door, selectors.EVENT_READ)
    heard: dict[socket.socket, bytes] = {}
    print(door.getsockname()[1], flush=True)
    while True:
        waiting = []
        for key, _ in ready.select():
            line = key.fileobj
            assert isinstance(line, socket.socket)
            if line is door:
                accepted, _ = door.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(accepted, selectors.EVENT_READ)
                heard[accepted] = b""
                continue
            data = line.recv(65_536)
            if not data:
                ready.unregister(line)
                line.close()
                continue
            heard[line] += data
            if heard[line].endswith(END):
                waiting.append((line, heard[line][1:-2]))
                heard[line] = b""
        if waiting:
            answer(waiting, keep)


def answer(waiting: list[tuple[socket.socket, bytes]], keep: Keep) -> None:
    """One commit for all who wait."""
    ids = [block.split(b"|", 10)[9] for _, block in waiting]
    now = time.time()
    rows = [
        (now, control_id, sha256(block).hexdigest(), block)
        for control_id, (_, block) in zip(ids, waiting, strict=True)
    ]
    keep(rows)
    for control_id, (line, _) in zip(ids, waiting, strict=True):
        line.sendall(ANSWER % (control_id, control_id))


def in_file(folder: Path) -> Keep:
    """WAL and FULL, as ours."""
    database = sqlite3.connect(folder / "journal.db", isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    database.execute(
        "create table journal "
        "(id integer primary key, at real, control_id blob, digest text, raw blob)"
    )
    insert = "insert into journal (at, control_id, digest, raw) values (?,?,?,?)"

    def keep(rows: list[Kept]) -> None:
        database.execute("begin immediate")
        database.executemany(insert, rows)
        database.execute("commit")

    return keep


def on_server(url: str) -> Keep:
    """The server's own settings, as ours."""
    database = psycopg.connect(url.replace("+psycopg", ""))
    database.execute(
        "create table journal "
        "(id bigserial primary key, at float8, control_id bytea, digest text, raw bytea)"
    )
    database.commit()
    insert = "insert into journal (at, control_id, digest, raw) values (%s,%s,%s,%s)"

    def keep(rows: list[Kept]) -> None:
        with database.cursor() as cursor:
            cursor.executemany(insert, rows)
        database.commit()

    return keep


if __name__ == "__main__":
    main(sys.argv[1])
