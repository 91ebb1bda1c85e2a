"""The long form: ``python -m tests.power --cuts 1000``, one line of figures; 1 where one is bad."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.power.recorded import compile_recorder, record, under_recorder
from tests.power.replay import MODELS, choose_cuts, judge
from tests.support.databases import sqlite_template


def main() -> int:
    """Record one run, cut it many times, say what was found."""
    asked = _arguments()
    began = time.monotonic()
    with TemporaryDirectory() as room:
        folder = Path(room)
        template = sqlite_template(folder)
        (folder / "run").mkdir()
        recorder = compile_recorder(folder)
        service = under_recorder(recorder, template, folder / "run", asked.program)
        recording = record(service, asked.messages)
        chance = Random(asked.seed)  # noqa: S311
        cuts = choose_cuts(recording.records, asked.cuts, chance)
        seen = list(judge(recording.records, recording.before, cuts, chance, folder / "image"))
    bad = [one for one in seen if not one.is_good]
    kinds = Counter(one.kind for one in recording.records)
    restarts = sum(
        one.kind == "w" and one.name.endswith("-wal") and one.offset == 0
        for one in recording.records
    )
    losing = ", ".join(f"{m}: {sum(bool(o.lost) for o in bad if o.model == m)}" for m in MODELS)
    _say(
        f"{len(cuts)} cuts x {len(MODELS)} models of {asked.messages} messages acknowledged, "
        f"{kinds['w']} writes, {kinds['s']} fsyncs, {restarts} times round the log: "
        f"{sum(one.integrity != 'ok' for one in bad)} corrupt; "
        f"cuts that lost acknowledged messages: {losing}; "
        f"most lost by one {max(len(one.lost) for one in seen)}; "
        f"seed {asked.seed}; {time.monotonic() - began:.0f} s"
    )
    for one in bad[:20]:
        _say(f"  record {one.at}, {one.model}: {len(one.lost)} lost, integrity {one.integrity}")
    return 1 if bad else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--program", default="service", help="tests.power.careless has a bug")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
