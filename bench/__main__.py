"""Measure every figure beside its baseline: ``python -m bench``."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from rich.console import Console

from bench import door, line, scale, understanding
from bench.rows import Row, keep, show
from bench.senders import framed
from bench.simulate import Traffic, messages

ROWS = ("door", "understanding", "line", "scale")
_MADE_A_SECOND = 30_000
"""Messages made beforehand for each second of a run; a run that uses them up ends early."""
_SCALED = 3_000
"""Messages that one and two workers work off; at 5 ms and more each."""
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
        console.print(f"{row.figure} beside {row.baseline}: {row.ours:,.0f}/s", style="dim")
    show(rows, console)
    if asked.json:
        keep(rows, asked.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one run")
    parser.add_argument("--only", choices=ROWS, action="append", help="leave the others out")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other traffic")
    parser.add_argument("--registered", type=int, default=5_000, help="people with a carer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--postgresql", metavar="URL", help="a server for the row scale")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where databases are made; its disk is what is measured",
    )
    return parser.parse_args()


def _measured(asked: argparse.Namespace) -> Iterator[Row]:
    needed = int(asked.seconds * _MADE_A_SECOND) + 1_000
    traffic = Traffic(seed=asked.seed, stays=needed // 4, registered=asked.registered)
    sent = list(islice(messages(traffic), needed))
    raw = [block for block, _ in sent]
    wanted: dict[str, Callable[[], Iterator[Row]]] = {
        "door": lambda: door.measure(framed(raw), asked.seconds, asked.folder),
        "understanding": lambda: understanding.measure(raw[:2_000], asked.seconds),
        "scale": lambda: scale.measure(raw[:_SCALED], asked.postgresql),
        "line": lambda: line.measure(sent, traffic, asked.seconds * _LINE_RUNS, asked.folder),
    }
    for name in asked.only or ROWS:
        yield from wanted[name]()


if __name__ == "__main__":
    main()
