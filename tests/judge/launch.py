"""Starts services and commands for the judge: all is imported once, then each start is a fork.

``python -m tests.judge.launch`` reads one JSON object a line and answers each with a process id.
The exit code is the last line printed.
Whatever the judge may do to a service, a fail-point struck or a bug put in, happens in the fork.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alerts.channels.fhir_rest import FhirServer
from ingest import failpoints
from service import cli, dispatch, lanes
from tests.judge.blows import STRUCK
from tests.judge.bugs import BUGS

HANGS_FOR = 3_600.0
SOON = 2
"""Seconds after which the dead are missed here, so that a thousand kills take no day."""
DELAYS_FOR = 0.3


class Struck(Exception):
    """What the action ``raise`` raises."""


@dataclass
class Strike:
    """Does its action when its point is passed for the n-th time."""

    point: str
    nth: int
    action: str
    passed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> None:
        if name != self.point:
            return
        with self.lock:
            self.passed += 1
            if self.passed != self.nth:
                return
        os.write(1, f"\n{STRUCK} {name}\n".encode())
        match self.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(HANGS_FOR)
            case "raise":
                raise Struck(Struck.__doc__)
            case "delay":
                time.sleep(DELAYS_FOR)


def main() -> None:
    """Fork a service for each line; the system forgets those that ended."""
    _hurry()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _say("ready")
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(asked)
        _say(str(pid))


def _hurry() -> None:
    """Leases of lanes and of parcels run out soon; nothing else is changed."""
    lanes.LEASE, lanes.BEAT = SOON, SOON / 5
    dispatch.SLACK = timedelta(seconds=SOON)
    FhirServer.patience = timedelta(seconds=SOON)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _become(asked: Mapping[str, Any]) -> None:
    """A service, from here to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    printed = os.open(asked["printed"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, printed), (2, printed)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(asked["environ"])
    if asked["bug"]:
        BUGS[asked["bug"]]()
    if asked["point"]:
        failpoints.arm(Strike(asked["point"], asked["nth"], asked["action"]))
    code = 70
    try:
        code = cli.run(asked["words"])
    except Exception:  # noqa: BLE001 - nobody else would tell
        traceback.print_exc()
    finally:
        sys.stdout.write(f"\n{code}")
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
