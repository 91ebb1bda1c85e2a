"""Straw man of the whole line: SQLite for what must be kept, dictionaries for all it knows."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

_TABLES = """
create table journal (id integer primary key, control_id text, raw blob, state text);
create table outbox (id integer primary key, stay text, recipient text, payload text);
"""


class StrawMan:
    """Splits, looks up, writes a line of text; forgets all but the journal when it ends."""

    def __init__(self, file: Path, register: Mapping[str, str]) -> None:
        """``register`` gives the registration id of a patient's number."""
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute("pragma synchronous=full")
        self._database.executescript(_TABLES)
        self._register = register
        self._stays: dict[str, dict[str, str]] = {}

    def take(self, messages: Sequence[bytes]) -> None:
        """Journal and decide a batch, in one commit each as ours does."""
        read = [(raw, _fields(raw)) for raw in messages]
        rows = [(fields["MSH"][9], raw, "waiting") for raw, fields in read]
        self._commit("insert into journal (control_id, raw, state) values (?,?,?)", rows)
        parcels = [parcel for _, fields in read for parcel in self._decided(fields)]
        self._commit("insert into outbox (stay, recipient, payload) values (?,?,?)", parcels)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _commit(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._database.execute("begin immediate")
        self._database.executemany(statement, rows)
        self._database.execute("commit")

    def _decided(self, fields: Mapping[str, list[str]]) -> list[tuple[str, str, str]]:
        trigger = fields["MSH"][8].partition("^")[2]
        pv1 = fields["PV1"]
        stay = self._stays.setdefault(pv1[19], {})
        before = dict(stay)
        stay["ward"] = pv1[3].partition("^")[0]
        stay["planned"] = fields["PV2"][9] if len(fields.get("PV2", ())) > 9 else ""
        stay["open"] = "no" if trigger in ("A03", "A11") else "yes"
        registration = self._register.get(fields["PID"][3].partition("^")[0])
        if registration is None or before == stay:
            return []
        parcels = [(pv1[19], stay["ward"], f"involve-carer {registration} {stay['open']}")]
        if before.get("planned") != stay["planned"] or stay["open"] == "no":
            parcels.append((pv1[19], "centre", f"{trigger} {registration} {stay['planned']}"))
        return parcels


def _fields(raw: bytes) -> dict[str, list[str]]:
    segments = (line.split("|") for line in raw.decode().split("\r"))
    return {fields[0]: fields for fields in segments}
