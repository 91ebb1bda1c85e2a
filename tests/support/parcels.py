"""Parcels for FHIR servers: a Task or a notice of its own on each call, as it would be sent."""

import uuid
from datetime import UTC, datetime

from alerts.delivery import Parcel
from alerts.model.alert import Recipient, RecipientKind
from mapping.fhir import communication, task
from mapping.fhir.systems import Claims
from tests.support.disclosed import a_notice, a_ward_task

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
_CLAIMS = Claims(draft=True)


def now() -> datetime:
    """The one instant of these tests."""
    return NOW


def an_id() -> str:
    """Of an obligation that nobody has seen."""
    return str(uuid.uuid4())


def a_task_parcel(alert: str = "", etag: str = "", version: int = 1, **changes: object) -> Parcel:
    alert = alert or an_id()
    rendered = task.render(a_ward_task(id=alert, **changes), _CLAIMS)
    return _parcel("Task", alert, rendered, etag, version)


def a_notice_parcel(alert: str = "", etag: str = "", **changes: object) -> Parcel:
    alert = alert or an_id()
    rendered = communication.render(a_notice(id=alert, **changes), _CLAIMS)
    return _parcel("Communication", alert, rendered, etag, 1)


def _parcel(kind: str, alert: str, payload: str, etag: str, version: int) -> Parcel:
    return Parcel(
        id=1,
        alert=alert,
        stay="0d677679-1703-53d0-9cda-10276d3ba54c",
        kind=kind,
        version=version,
        recipient=Recipient(RecipientKind.WARD, "L302H/M7A"),
        channel="fhir",
        destination="fhir",
        payload=payload,
        attempts=1,
        etag=etag,
    )
