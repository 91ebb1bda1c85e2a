"""What each desk would now see, told in a few lines a ward nurse would understand."""

from collections.abc import Callable, Iterator
from itertools import groupby

from sqlalchemy import Connection

from alerts.model.alert import OPEN_STATUSES, Notice, RecipientKind, Task, TaskCode
from alerts.model.site import NoticeEvent, Site
from alerts.rules.situation import is_restricted
from alerts.store import alerts as alert_store
from alerts.store import register
from alerts.store import stays as stay_store
from ingest import journal
from service.database import Database

ASKS = {
    TaskCode.INVOLVE_CARER: "{carer} helps at home: tell them the plan, ask for their views",
    TaskCode.REPAIR_MISSED: "left before {carer} was fully involved: ring them",
    TaskCode.CONFIRM_MATCH: "may be on the register: is it the same person? Nothing has left",
    TaskCode.CONFIRM_DEATH: "may have died: the coordinator is asked",
    TaskCode.BEREAVEMENT_SUPPORT: "has died: consider bereavement support. No carer was messaged",
    TaskCode.CONTACT_CARER: "please contact {carer}",
}
ALONE = "speak to the patient alone; ask the nurse in charge before contacting anyone"
NEWS = {
    NoticeEvent.PLANNED: "a planned date is known",
    NoticeEvent.DATE_CHANGED: "the planned date moved",
    NoticeEvent.DISCHARGED: "the person they help left hospital",
    NoticeEvent.CANCELLED: "an earlier notice no longer holds",
    NoticeEvent.WITHDRAWN: "please disregard an earlier notice",
}


def tell(database: Database, site: Site, say: Callable[[str], None]) -> None:
    """Print the story."""
    with database.read() as tx:
        counts = journal.counts(tx)
        total = sum(counts.values())
        say(f"\nThe hospital sent {total} messages today. Every one was kept and answered:")
        say("  " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) + ".")
        for ward in (w for w in site.wards if w.live):
            code = f"{ward.hospital}/{ward.code}"
            _desk(tx, say, f"{ward.name}, now:", RecipientKind.WARD, code)
        for hospital in site.hospitals:
            title = f"The discharge coordinator of {hospital.name}:"
            _desk(tx, say, title, RecipientKind.COORDINATOR, hospital.code)
        for centre in site.centres:
            _desk(tx, say, f"{centre.name}, inbox:", RecipientKind.CENTRE, centre.code)


def _desk(
    tx: Connection, say: Callable[[str], None], title: str, kind: RecipientKind, code: str
) -> None:
    lines = [*_lines(tx, kind, code)]
    say(f"\n{title}")
    for line, same in groupby(sorted(lines)):
        times = len(list(same))
        say(f"  - {line}" + (f" ({times} times)" if times > 1 else ""))
    if not lines:
        say("  Nothing waits.")


def _lines(tx: Connection, kind: RecipientKind, code: str) -> Iterator[str]:
    for alert in alert_store.for_desk(tx, kind, code):
        about = register.get(tx, alert.registration) if alert.registration else None
        carer = f"{about.carer.given} {about.carer.family}" if about else "the carer"
        if isinstance(alert, Notice):
            yield f"{carer}: {NEWS[alert.event]}"
        elif isinstance(alert, Task) and alert.status in OPEN_STATUSES:
            ask = ASKS[alert.code].format(carer=carer)
            yield ask if kind is RecipientKind.CENTRE else _at_the_bedside(tx, alert, ask)


def _at_the_bedside(tx: Connection, task: Task, ask: str) -> str:
    found = stay_store.load(tx, task.stay)
    if found is None:
        return ask
    stay = found.stay
    bed = stay.place.bed if stay.place else ""
    name = " ".join(n for n in (stay.patient.given, stay.patient.family) if n)
    return f"{name or 'A patient'} ({bed or 'no bed'}): {ALONE if is_restricted(stay) else ask}"
