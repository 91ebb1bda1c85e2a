"""Decides again what somebody asked for, and takes registers in: in steps that let others between.

A register file is brought under the next generation, which nobody sees; one short transaction shows
it; then the stays concerned are asked for and decided. Each step stands on what the one before
left in the database, so that whoever comes after a kill goes on there.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

import structlog

from alerts.model.register import Registration
from alerts.store import imports, register, requests
from alerts.store import stays as stay_store
from alerts.store.imports import State
from ingest.failpoints import passing
from service.database import DatabaseError, Rank
from service.pipeline import Line, LineError, Progress, again, fetch, set_aside

log = structlog.get_logger()

AT_ONCE = 200
"""Rows that one transaction brings: some hundredths of a second."""
TOGETHER = 16
"""Stays that are looked up together."""
LONG_ENOUGH = 0.04
"""Seconds after which a transaction claims no more."""
PATIENCE = (25, 50, 100, 150)
"""Milliseconds that the moment of showing waits for those who decide, before it lets others in."""
PAUSE = 0.05


class ImportOvertaken(LineError):
    """The import fell silent for a minute and was given up. Import the file again."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how far an import is."""

    taken: Callable[[int], None] = lambda _done: None
    """So many rows are taken in."""
    decided: Callable[[int, int], None] = lambda _done, _of: None
    """So many of so many stays concerned are decided."""


def decide_next(line: Line, progress: Progress) -> int:
    """Decide some of the stays that are asked for, for a moment; how many."""
    now, started = line.now(), monotonic()
    with line.database.read() as tx:
        if not requests.is_any_due(tx, now):
            return 0
    try:
        with line.database.write(Rank.LATER) as tx:
            register.share(tx)
            due = requests.due(tx, now, 1 if progress.requests_alone else TOGETHER)
            progress.stay = due[0] if len(due) == 1 else None
            done: list[str] = []
            with line.desk(tx) as desk:
                fetch(tx, desk, due)
                for stay_key in due:
                    progress.stay = stay_key
                    again(tx, desk, stay_key)
                    done.append(stay_key)
                    if monotonic() - started > LONG_ENOUGH:
                        break
                if len(done) > 1:
                    progress.stay = None  # from here on nobody knows whose fault it is
            requests.settle(tx, done)
            passing("requests-decided")
    except Exception:
        progress.requests_alone = TOGETHER
        raise
    progress.stay = None
    progress.requests_alone = max(0, progress.requests_alone - 1)
    return len(done)


def go_on(line: Line) -> bool:
    """One step of an import that was shown, or of undoing one that was not; is there more."""
    now = line.now()
    with line.database.read() as tx:
        if not imports.is_any(tx, now):
            return False
    with line.database.write(Rank.LATER) as tx:
        known = imports.take_next(tx, now)
        if known is None:
            return False
        match known.state:
            case State.ASKING:
                rows = imports.concerned_next(tx, known, AT_ONCE)
                requests.request(tx, stay_store.concerned(tx, rows), requests.Why.REGISTER, now)
                state = State.ASKING if rows else State.CLEARING
                imports.move(tx, known, state, rows[-1].key if rows else "")
            case State.CLEARING:
                has_more = imports.clear_some(tx, known, AT_ONCE)
                imports.move(tx, known, State.CLEARING if has_more else State.DONE)
            case _:
                has_more = imports.undo_some(tx, known, AT_ONCE)
                imports.move(tx, known, State.UNDOING if has_more else State.UNDONE)
        passing("import-step")
    return True


def import_register(
    line: Line, rows: Iterable[Registration], watch: Watch = Watch(), wait: bool = True
) -> register.Imported:
    """All rows of a file or none; returns when the stays that it concerns are decided.

    Without ``wait`` it returns when all of it is shown; the workers do the rest.
    """
    known = _begun(line)
    try:
        centres: set[str] = set()
        imported = _brought(line, known, _noting(rows, centres), watch)
        _show(line, known, centres)
    except imports.Overtaken as err:
        raise ImportOvertaken(ImportOvertaken.__doc__) from err
    except BaseException:
        with line.database.write(Rank.LATER) as tx:
            imports.give_up(tx, known)
        raise
    if wait:
        _decided(line, watch)
    return imported


def _begun(line: Line) -> imports.Import:
    """One at a time: wait for another that is alive, undo what a dead one left."""
    while True:
        while go_on(line):
            pass
        with line.database.write(Rank.LATER) as tx:
            known = imports.begin(tx, line.now())
        if known is not None:
            return known
        time.sleep(PAUSE)


def _brought(
    line: Line, known: imports.Import, rows: Iterable[Registration], watch: Watch
) -> register.Imported:
    new = changed = same = 0
    for some in imports.slices(iter(rows), AT_ONCE):
        with line.database.write(Rank.LATER) as tx:
            did = imports.bring(tx, known, some, line.now())
        passing("rows-brought")
        new, changed, same = new + did.new, changed + did.changed, same + did.same
        watch.taken(new + changed + same)
    return register.Imported(new, changed, same)


def _noting(rows: Iterable[Registration], centres: set[str]) -> Iterator[Registration]:
    """The rows; afterwards ``centres`` has those of whom there was one."""
    for row in rows:
        centres.add(row.centre)
        yield row


def _show(line: Line, known: imports.Import, centres: Collection[str]) -> None:
    """Where those who decide leave no gap, the next try waits for longer."""
    tries = 0
    while True:
        with line.database.write(Rank.LATER) as tx:
            if register.had_alone(tx, PATIENCE[min(tries // 8, len(PATIENCE) - 1)]):
                imports.show(tx, known, centres, line.now())
                passing("register-shown")
                return
        tries += 1
        time.sleep(PAUSE)


def _decided(line: Line, watch: Watch) -> None:
    """Ask for the stays concerned and decide them, beside any worker that does the same."""
    while go_on(line):
        pass
    progress = Progress()
    with line.database.read() as tx:
        total = left = requests.due_count(tx, line.now(), requests.Why.REGISTER)
    while left:
        set_aside(line, progress)
        try:
            decide_next(line, progress)
        except DatabaseError:
            raise
        except Exception as failure:  # noqa: BLE001 - one of five: set it aside, go on
            log.error("decision_failed", stay_id=progress.stay, failure=failure)
            progress.failure = failure
        with line.database.read() as tx:
            left = requests.due_count(tx, line.now(), requests.Why.REGISTER)
        watch.decided(total - left, total)
    set_aside(line, progress)
