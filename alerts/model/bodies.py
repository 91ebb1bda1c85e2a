"""Our records as JSON text and back; what comes back equals what went in."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import assert_never

from pydantic import TypeAdapter

from alerts.model.alert import Alert, Notice, Task
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import AdtEvent, Answered, FactRecorded, StayEvent
from alerts.model.identity import Patient
from alerts.model.register import Registration
from alerts.model.stay import Stay

_STAY = TypeAdapter(Stay)
_PATIENT = TypeAdapter(Patient)
_REGISTRATION = TypeAdapter(Registration)
_TASK = TypeAdapter(Task)
_NOTICE = TypeAdapter(Notice)
_MESSAGE = TypeAdapter(AdtEvent)
_FACT = TypeAdapter(FactRecorded)
_ANSWER = TypeAdapter(Answered)

_SENTENCES = '"warnings":["'
"""How a body begins to list them; within a value the quotes would be escaped."""
_KIND_OF = {
    "uncertain: the admission lies in the future": DoubtKind.UNCERTAIN_ADMISSION,
    "uncertain: the planned date lies before the admission": DoubtKind.UNCERTAIN_PLAN,
    "uncertain: the discharge lies before the admission or in the future": (
        DoubtKind.UNCERTAIN_DISCHARGE
    ),
    "a new place after the end of the stay was not followed": DoubtKind.MOVED_AFTER_LEAVING,
}
"""The sentences of releases before; they never change again."""


def patient_to_text(patient: Patient) -> str:
    """The patient as JSON."""
    return _PATIENT.dump_json(patient).decode()


def patient_from_text(body: str) -> Patient:
    """The patient of a row."""
    return _PATIENT.validate_json(body)


def stay_to_text(stay: Stay) -> str:
    """The stay as JSON."""
    return _STAY.dump_json(stay).decode()


def stay_from_text(body: str) -> Stay:
    """The stay of a row, also of a row that the release before wrote."""
    stay = _STAY.validate_json(body)
    return replace(stay, doubts=_doubts_in_words(body)) if _SENTENCES in body else stay


def _doubts_in_words(body: str) -> tuple[Doubt, ...]:
    """Releases before kept doubts as sentences; what a message said in others is in its journal."""
    said = json.loads(body)["warnings"]
    return tuple(Doubt(_KIND_OF[words]) for words in said if words in _KIND_OF)


def registration_to_text(registration: Registration) -> str:
    """The registration as JSON."""
    return _REGISTRATION.dump_json(registration).decode()


def registration_from_text(body: str) -> Registration:
    """The registration of a row."""
    return _REGISTRATION.validate_json(body)


def alert_to_text(alert: Alert) -> tuple[str, str]:
    """The kind (``Task`` or ``Communication``) and the alert as JSON."""
    match alert:
        case Task():
            return "Task", _TASK.dump_json(alert).decode()
        case Notice():
            return "Communication", _NOTICE.dump_json(alert).decode()
        case _:
            assert_never(alert)


def alert_from_text(kind: str, body: str) -> Alert:
    """The alert of a row, by its kind."""
    return _TASK.validate_json(body) if kind == "Task" else _NOTICE.validate_json(body)


@lru_cache(maxsize=1)  # asked for its place in the stay, and then to be kept
def event_to_text(event: StayEvent) -> tuple[str, str]:
    """The kind (``message``, ``fact`` or ``answer``) and the event as JSON."""
    match event:
        case AdtEvent():
            return "message", _MESSAGE.dump_json(event).decode()
        case FactRecorded():
            return "fact", _FACT.dump_json(event).decode()
        case Answered():
            return "answer", _ANSWER.dump_json(event).decode()
        case _:
            assert_never(event)


def event_from_text(kind: str, body: str) -> StayEvent:
    """The event of a row, by its kind."""
    if kind == "message":
        return _MESSAGE.validate_json(body)
    return _FACT.validate_json(body) if kind == "fact" else _ANSWER.validate_json(body)
