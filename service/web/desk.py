"""What the pages need from the rest of the service, handed in at start."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.model.events import Answered, FactRecorded
from alerts.model.site import Site
from alerts.store.visit_questions import Answer
from ingest.receive import Door
from service.certificates import Certificate
from service.database import Database


class Acts(Protocol):
    """What a page may do; each is one step of the line."""

    def record_fact(self, actor: str, stay: str, event: FactRecorded) -> None:
        """Keep a fact that the ward recorded."""
        ...

    def answer(self, actor: str, stay: str, event: Answered) -> None:
        """Keep what somebody answered on a Task or notice."""
        ...

    def decide_match(self, actor: str, task: str, is_same: bool) -> None:
        """Keep a coordinator's answer about a doubtful match."""
        ...

    def answer_visit(self, answer: Answer) -> None:
        """Keep a coordinator's answer about two patients under one visit number."""
        ...

    def take_back_match(self, actor: str, decision: int, hospital: str) -> None:
        """Undo an answer about a doubtful match of a patient of this hospital."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """One site's pages; ``one_click`` offers the demo's sign-in buttons."""

    database: Database
    site: Site
    secret_key: str
    pages_open: bool
    one_click: bool
    now: Callable[[], datetime]
    acts: Acts
    ready: Callable[[], tuple[str, ...]]
    metrics: Callable[[], bytes]
    certificates: Callable[[], tuple[Certificate, ...]] = tuple
    door: Door | None = None
    """Where messages come in by HTTP; None: this process takes none."""
    max_message_bytes: int = 1_048_576
    destinations: tuple[str, ...] = ()
    """Receivers that are set up, shown also while nothing waits for them."""
