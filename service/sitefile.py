"""Reads site files: TOML tables into records, each fault named by file, table and key."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alerts.model.site import Centre, Feed, Hospital, Site, Ward
from alerts.policy import PolicyInvalid, policy_from
from service import sitekeys
from service.sitekeys import Keys

T = TypeVar("T")

PROBE_WARD = ("THINKCARER", "PROBE")
"""Hospital and ward that no site file may name."""
_SINGLE = ("site", "policy")
_LISTED = ("hospital", "ward", "centre", "feed")


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table of one file, as TOML gave it."""

    file: str
    kind: str
    number: int
    values: dict[str, object]

    @property
    def where(self) -> str:
        """The table in words, such as ``wards.toml, [[ward]] 3 (M7A)``."""
        if self.kind in _SINGLE:
            return f"{self.file}, [{self.kind}]"
        label = self.values.get("code", self.values.get("name"))
        return f"{self.file}, [[{self.kind}]] {self.number}" + (f" ({label})" if label else "")


def read_documents(path: Path, faults: list[str]) -> list[TableRead]:
    """Every table of a file, or of the .toml files of a folder in the order of their names."""
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        faults.append(f"{path}: there is no .toml file in this folder.")
    tables: list[TableRead] = []
    for file in files:
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError:
            faults.append(f"{file.name}: the file cannot be read.")
        except UnicodeDecodeError:
            faults.append(f"{file.name}: the file is not UTF-8.")
        except tomllib.TOMLDecodeError as err:
            faults.append(f"{file.name}: this is not TOML: {err}.")
        else:
            tables += _tables(file.name, document, faults)
    return tables


def site_from(tables: Sequence[TableRead], faults: list[str]) -> Site | None:
    """The site that the tables describe; None with faults added where they do not."""
    heads = [t for t in tables if t.kind == "site"]
    if len(heads) != 1:
        faults.append(
            f"{heads[1].where}: there is a second [site] table: keep one."
            if heads
            else "There is no [site] table: add one with name, nation and default_centre."
        )
    head = _values(heads[0], sitekeys.SITE, faults) if heads else None
    hospitals = _records(tables, "hospital", sitekeys.HOSPITAL, faults, Hospital)
    wards = _records(tables, "ward", sitekeys.WARD, faults, Ward)
    centres = _records(tables, "centre", sitekeys.CENTRE, faults, Centre)
    feeds = _records(tables, "feed", sitekeys.FEED, faults, Feed)
    policy = _policy(tables, faults)
    _twice(hospitals, lambda h: h.code, "code", faults)
    _twice(wards, lambda w: (w.hospital, w.code), "code in its hospital", faults)
    _twice(centres, lambda c: c.code, "code", faults)
    _twice(feeds, lambda f: f.name, "name", faults)
    _twice(feeds, lambda f: (f.sending_application, f.sending_facility), "sender", faults)
    faults += _faults_together(tables, head)
    if head is None or faults:
        return None
    return Site(
        **head,  # type: ignore[arg-type]
        hospitals=tuple(record for _, record in hospitals),
        wards=tuple(record for _, record in wards),
        centres=tuple(record for _, record in centres),
        feeds=tuple(record for _, record in feeds) or (Feed(name="default"),),
        policy=policy,
    )


def _faults_together(tables: Sequence[TableRead], head: dict[str, object] | None) -> list[str]:
    """What is wrong only when tables are seen together."""
    faults = []
    codes = {(t.kind, t.values.get("code")) for t in tables}
    default = head and head["default_centre"]
    if default and ("centre", default) not in codes:
        faults.append(f"[site], default_centre: no [[centre]] has the code {default}.")
    for table in tables:
        if table.kind == "hospital" and table.values.get("code") == PROBE_WARD[0]:
            faults.append(f"{table.where}, code: {PROBE_WARD[0]} is reserved for the probe.")
        if table.kind == "ward":
            faults += _faults_of_ward(table, codes)
        if table.kind == "centre":
            faults += _faults_of_centre(table)
        if table.kind == "feed":
            faults += _faults_of_feed(table)
    return faults


def _faults_of_ward(table: TableRead, codes: set[tuple[str, object]]) -> list[str]:
    hospital = table.values.get("hospital")
    if (hospital, table.values.get("code")) == PROBE_WARD:
        return [f"{table.where}: this ward is reserved for the probe."]
    if isinstance(hospital, str) and ("hospital", hospital) not in codes:
        return [f"{table.where}, hospital: no [[hospital]] has the code {hospital}."]
    return []


def _faults_of_centre(table: TableRead) -> list[str]:
    if table.values.get("channel") == "smtp" and not table.values.get("email"):
        return [f"{table.where}, email: channel smtp needs the address to write to; add it."]
    return []


def _faults_of_feed(table: TableRead) -> list[str]:
    method = table.values.get("discharge_method_field", 36)
    if method == table.values.get("discharge_destination_field", 37):
        return [f"{table.where}: method and destination cannot be the same PV1 field."]
    return []


def _tables(file: str, document: dict[str, object], faults: list[str]) -> list[TableRead]:
    found = []
    for kind, content in document.items():
        if kind in _SINGLE and isinstance(content, dict):
            found.append(TableRead(file, kind, 1, content))
        elif kind in _LISTED and isinstance(content, list):
            for number, each in enumerate(content, 1):
                if isinstance(each, dict):
                    found.append(TableRead(file, kind, number, each))
                else:
                    faults.append(f"{file}, {kind}: write [[{kind}]] above each one.")
        elif kind in _SINGLE or kind in _LISTED:
            marks = f"[{kind}]" if kind in _SINGLE else f"[[{kind}]]"
            faults.append(f"{file}, {kind}: write it as a table, {marks}.")
        else:
            faults.append(
                f"{file}, {kind}: there is no such table; use {', '.join(_SINGLE + _LISTED)}."
            )
    return found


def _values(table: TableRead, keys: Keys, faults: list[str]) -> dict[str, object] | None:
    """The values of a table by key, None with faults added where there are any."""
    before = len(faults)
    read: dict[str, object] = {}
    for key, value in table.values.items():
        if key not in keys.readers:
            faults.append(f"{table.where}, {key}: there is no such key; use {_all(keys.readers)}.")
            continue
        try:
            read[key] = keys.readers[key](value)
        except ValueError as err:
            faults.append(f"{table.where}, {key}: {err}.")
    faults += [
        f"{table.where}, {key}: this key is required; add it."
        for key in keys.required
        if key not in table.values
    ]
    return read if len(faults) == before else None


def _records(
    tables: Sequence[TableRead],
    kind: str,
    keys: Keys,
    faults: list[str],
    make: Callable[..., T],
) -> list[tuple[TableRead, T]]:
    found = []
    for table in tables:
        if table.kind == kind:
            values = _values(table, keys, faults)
            if values is not None:
                found.append((table, make(**values)))
    return found


def _policy(tables: Sequence[TableRead], faults: list[str]) -> tuple[tuple[str, float], ...]:
    read: dict[str, float] = {}
    for table in (t for t in tables if t.kind == "policy"):
        for key, value in table.values.items():
            if key in read:
                faults.append(f"{table.where}, {key}: this stands in another file too: keep one.")
            elif not isinstance(value, int | float) or isinstance(value, bool):
                faults.append(f"{table.where}, {key}: takes a number, without quotes.")
            else:
                read[key] = float(value)
                try:
                    policy_from({key: float(value)})
                except PolicyInvalid as err:
                    faults.append(f"{table.where}, {key}: {err}.")
    return tuple(sorted(read.items()))


def _twice(
    records: Iterable[tuple[TableRead, T]],
    key: Callable[[T], object],
    what: str,
    faults: list[str],
) -> None:
    seen: dict[object, str] = {}
    for table, record in records:
        if key(record) in seen:
            faults.append(f"{table.where}: the same {what} as {seen[key(record)]}: keep one.")
        seen.setdefault(key(record), table.where)


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)
