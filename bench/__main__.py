"""Measure every figure beside its baseline: ``python -m bench``."""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from bench import (
    backlog,
    door,
    growth,
    importing,
    line,
    offered,
    process,
    scale,
    together,
    understanding,
)
from bench.line import Sent
from bench.rows import Row, keep, show
from bench.senders import framed
from bench.simulate import Traffic, messages

_MADE_A_SECOND = 30_000
"""Messages made beforehand for each second of a run; a run that uses them up ends early."""
_SCALED = 3_000
"""Messages that one and two workers work off; at 5 ms and more each."""
_OFFERED_RUNS = 30
"""A minute, where other runs take two seconds."""
_LINE_RUNS = 4
"""The whole line runs so many times longer, so that stays have a history."""


def main() -> None:
    """Measure, print the table, and keep it where asked."""
    asked = _arguments()
    console = Console()
    console.print("Making the traffic", style="dim")
    rows = []
    for row in _measured(asked):
        rows.append(row)
        console.print(f"{row.figure} beside {row.baseline}: {row.shown(row.ours)}", style="dim")
    show(rows, console)
    if asked.json:
        keep(rows, asked.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one run")
    parser.add_argument("--only", choices=ROWS, action="append", help="leave the others out")
    parser.add_argument(
        "--big", type=int, default=20_000, help="entries that wait, journal and register to grow to"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed, other traffic")
    parser.add_argument("--registered", type=int, default=5_000, help="people with a carer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--postgresql", metavar="URL", help="a server for what is measured there")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where databases are made; its disk is what is measured",
    )
    return parser.parse_args()


def _measured(asked: argparse.Namespace) -> Iterator[Row]:
    needed = max(int(asked.seconds * _MADE_A_SECOND), asked.big) + 1_000
    traffic = Traffic(seed=asked.seed, stays=needed // 4, registered=asked.registered)
    sent = list(islice(messages(traffic), needed))
    for name in asked.only or ROWS:
        yield from ROWS[name](asked, sent, traffic)


def _framed(sent: Sequence[Sent]) -> list[bytes]:
    return framed([block for block, _ in sent])


Measured: TypeAlias = Callable[[argparse.Namespace, Sequence[Sent], Traffic], Iterator[Row]]
ROWS: dict[str, Measured] = {
    "door": lambda a, sent, _: door.measure(_framed(sent), a.seconds, a.folder),
    "door-postgresql": lambda a, sent, _: door.measure_on_a_server(
        _framed(sent), a.seconds, a.folder, a.postgresql
    ),
    "together": lambda a, sent, _: together.measure(_framed(sent), a.seconds, a.folder),
    "understanding": lambda a, sent, _: understanding.measure(
        [block for block, _ in sent[:2_000]], a.seconds
    ),
    "line": lambda a, sent, traffic: line.measure(sent, traffic, a.seconds * _LINE_RUNS, a.folder),
    "line-postgresql": lambda a, sent, traffic: line.measure_on_a_server(
        sent, traffic, a.seconds * _LINE_RUNS, a.postgresql
    ),
    "offered": lambda a, _, __: offered.measure(a.seconds * _OFFERED_RUNS, a.folder, a.postgresql),
    "tasks": lambda a, _, __: process.measure_tasks(a.seconds * _LINE_RUNS, a.folder),
    "growth": lambda a, sent, _: growth.measure(sent, a.big, a.folder),
    "start": lambda a, sent, _: process.measure_start(
        [block for block, _ in sent], a.big, a.folder
    ),
    "memory": lambda a, sent, _: process.measure_memory(
        [block for block, _ in sent], a.seconds, a.folder
    ),
    "backlog": lambda a, sent, traffic: backlog.measure(sent[: a.big], traffic, a.folder),
    "import": lambda a, _, __: importing.measure(a.seconds * _LINE_RUNS, a.folder, a.postgresql),
    "scale": lambda a, sent, _: scale.measure([block for block, _ in sent[:_SCALED]], a.postgresql),
}
"""What is measured, by the name that ``--only`` takes."""


if __name__ == "__main__":
    main()
