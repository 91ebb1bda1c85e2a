"""A Task or notice as its recipient may have it: what stands between a decision and its bytes."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from alerts.disclosure.people import number_of
from alerts.hours import local
from alerts.model.alert import (
    OPEN_STATUSES,
    Alert,
    Notice,
    NoticeStatus,
    Recipient,
    RecipientKind,
    Task,
    TaskCode,
)
from alerts.model.disclosed import DisclosedNotice, DisclosedTask, Disclosure, Named
from alerts.model.doubts import DoubtKind
from alerts.model.register import Registration, Sharing
from alerts.model.site import Hospital, NoticeEvent, Site
from alerts.model.stay import Stay
from alerts.rules.situation import Reach, is_restricted, whereabouts
from alerts.wording import carer_words, clock, day, on_half_day

_NOTES = {
    TaskCode.INVOLVE_CARER: "Tell the carer and ask for their views before the patient leaves.",
    TaskCode.REPAIR_MISSED: "The patient left before the carer was fully involved. "
    "Please ring the carer.",
    TaskCode.CONFIRM_MATCH: "Is this the same person? Nothing has left the hospital about this.",
    TaskCode.CONFIRM_DEATH: "The hospital system says something of a death that is not clear. "
    "Has the patient died? Nobody outside is told anything until you answer.",
    TaskCode.BEREAVEMENT_SUPPORT: "A registered carer is bereaved. Staff only: nobody outside "
    "was told.",
}
WITHDRAWAL = (
    "Do not act on our earlier notice. Ring the discharge hub before you contact this carer."
)
LATE = "We were told of this late."


@dataclass(frozen=True, slots=True)
class Telling:
    """The facts from which a disclosure picks."""

    stay: Stay
    registration: Registration | None
    site: Site
    now: datetime
    raised: tuple[Alert, ...] = ()
    """What was raised before, so that a correction can name the time of what it corrects."""
    is_theirs: bool = True
    """Whether the registration is surely this patient's; else nothing of it goes with the alert."""


def disclose(alert: Alert, telling: Telling) -> Disclosure:
    """What this alert's recipient may be told of it."""
    match alert:
        case Notice():
            return _notice(alert, telling)
        case Task():
            match alert.recipient.kind:
                case RecipientKind.WARD | RecipientKind.COORDINATOR:
                    return _to_hospital(alert, telling)
                case RecipientKind.CENTRE:
                    return _to_centre(alert, telling)
                case _:
                    assert_never(alert.recipient.kind)
        case _:
            assert_never(alert)


def _to_hospital(task: Task, telling: Telling) -> DisclosedTask:
    """Their own patient, and the carer unless somebody must speak to the patient alone."""
    stay, registration = telling.stay, telling.registration
    about = registration if task.registration is not None else None
    is_asked = task.code is TaskCode.CONFIRM_MATCH
    is_involved = about is not None and telling.is_theirs and not is_asked
    names_carer = is_involved and not is_restricted(stay)
    shows_plan = (
        is_involved and stay.planned is not None and not stay.is_doubtful(DoubtKind.UNCERTAIN_PLAN)
    )
    place = stay.place
    return DisclosedTask(
        id=task.id,
        code=task.code,
        status=task.status,
        state=task.state,
        owner=Named(task.recipient, _name(task.recipient, telling.site)),
        authored_at=task.authored_at,
        modified_at=telling.now,
        due_at=task.due_at,
        urgent=task.urgent,
        registration_id=_registration_id(task) if names_carer else None,
        patient=number_of(stay.patient),
        visit=stay.visit,
        visit_authority=stay.visit_authority,
        place=f"{place.hospital}/{place.ward}" if place else None,
        carer=carer_words(about) if about and names_carer else None,
        planned_on=stay.planned.on if shows_plan and stay.planned else None,
        facts=tuple(f for f in stay.facts if is_involved and f.registration == task.registration),
        focus_notice=task.focus,
        reason=task.reason,
        left=None,
        note=_hospital_note(task, telling),
    )


def _to_centre(task: Task, telling: Telling) -> DisclosedTask:
    """The centre's own id for the carer, the hospital's hub and a date; nothing of the patient."""
    return DisclosedTask(
        id=task.id,
        code=task.code,
        status=task.status,
        state=None,
        owner=Named(task.recipient, _name(task.recipient, telling.site)),
        authored_at=task.authored_at,
        modified_at=telling.now,
        due_at=task.due_at,
        urgent=task.urgent,
        registration_id=_registration_id(task),
        patient=None,
        visit=None,
        visit_authority="",
        place=None,
        carer=None,
        planned_on=None,
        facts=(),
        focus_notice=task.focus,
        reason=None,
        left=_left(task, telling),
        note=_centre_note(task, telling),
    )


def _notice(notice: Notice, telling: Telling) -> DisclosedNotice:
    """What a centre may read; one that was wrong about the person says no more than that."""
    is_wrong = notice.status is NoticeStatus.ENTERED_IN_ERROR
    return DisclosedNotice(
        id=notice.id,
        event=notice.event,
        status=notice.status,
        to=Named(notice.recipient, _name(notice.recipient, telling.site)),
        registration_id=_registration_id(notice),
        sent_at=notice.decided_at,
        sentences=() if is_wrong else _sentences(notice, telling),
        planned_on=None if is_wrong else notice.planned_on,
        in_response_to=notice.in_response_to,
    )


def _sentences(notice: Notice, telling: Telling) -> tuple[str, ...]:
    where = _contact(telling)
    match notice.event:
        case NoticeEvent.PLANNED:
            return (f"Planned date of discharge: {day(notice.planned_on)}.", where)
        case NoticeEvent.DATE_CHANGED:
            return (f"The planned date of discharge is now {day(notice.planned_on)}.", where)
        case NoticeEvent.DISCHARGED:
            late = (LATE,) if notice.late else ()
            return (f"Left hospital{on_half_day(notice.happened_at)}.", *late, where)
        case NoticeEvent.CANCELLED:
            return (f"{_earlier(notice, telling)} no longer holds: {_undone(notice, telling)}.",)
        case NoticeEvent.WITHDRAWN:
            return withdrawal(_hospital(telling))
        case _:
            assert_never(notice.event)


def withdrawal(hospital: Hospital | None) -> tuple[str, ...]:
    """What every withdrawal says, whatever its reason (contract §7.1 Undoing)."""
    hub = hospital.hub_phone if hospital else ""
    return (WITHDRAWAL, f"Discharge hub {hub}.") if hub else (WITHDRAWAL,)


def _earlier(notice: Notice, telling: Telling) -> str:
    answered = _answered(notice, telling)
    if not answered:
        return "An earlier notice about this carer"
    times = [f"{day(local(n.decided_at).date())}, {clock(n.decided_at)}" for n in answered]
    return f"The notice of {' and of '.join(times)}"


def _undone(notice: Notice, telling: Telling) -> str:
    events = {n.event for n in _answered(notice, telling)}
    if events == {NoticeEvent.DISCHARGED}:
        return "the discharge did not happen"
    if events and NoticeEvent.DISCHARGED not in events:
        return "there is no planned date of discharge now"
    return "what it said is not so any more"


def _answered(notice: Notice, telling: Telling) -> tuple[Notice, ...]:
    found = [a for a in telling.raised if isinstance(a, Notice) and a.id in notice.in_response_to]
    return tuple(sorted(found, key=lambda n: n.decided_at))


def _left(task: Task, telling: Telling) -> str | None:
    """When the patient left, while something is asked because of it."""
    if task.code is not TaskCode.CONTACT_CARER or task.status not in OPEN_STATUSES:
        return None
    is_unsure = telling.stay.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE)
    return on_half_day(None if is_unsure else telling.stay.discharged_at)


def _centre_note(task: Task, telling: Telling) -> str | None:
    """Only while something is asked: a Task that ended repeats neither hospital nor date."""
    if task.code is not TaskCode.CONTACT_CARER or task.status not in OPEN_STATUSES:
        return None
    stay = telling.stay
    hospital = _hospital(telling)
    left_at = None if stay.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE) else stay.discharged_at
    by = f" by {clock(task.due_at)} on {day(local(task.due_at).date())}" if task.due_at else ""
    sentences = [
        f"Left {hospital.name if hospital else 'hospital'}{on_half_day(left_at)}.",
        *([LATE] if task.late else []),
        *([f"Discharge hub {hospital.hub_phone}."] if hospital and hospital.hub_phone else []),
        f"Please contact the carer{by}.",
    ]
    return " ".join(sentences)


def _hospital_note(task: Task, telling: Telling) -> str | None:
    if task.status not in OPEN_STATUSES:
        return None
    if is_restricted(telling.stay):
        return "Speak to the patient alone. Ask the nurse in charge before contacting anyone."
    registration = telling.registration
    is_refused = registration is not None and registration.sharing is Sharing.REFUSED
    if task.code is TaskCode.INVOLVE_CARER and is_refused:
        return "Listen to the carer, share nothing: the patient does not agree to sharing."
    return _NOTES.get(task.code)


def _registration_id(alert: Alert) -> str:
    """The centre's own id: the key without the centre in front."""
    return (alert.registration or "").partition("/")[2]


def _name(recipient: Recipient, site: Site) -> str:
    match recipient.kind:
        case RecipientKind.WARD:
            code, _, ward_code = recipient.code.partition("/")
            ward, hospital = site.ward(code, ward_code), site.hospital(code)
            words = [ward.name if ward else ward_code, hospital.name if hospital else code]
            return ", ".join(words)
        case RecipientKind.COORDINATOR:
            hospital = site.hospital(recipient.code)
            return f"Discharge coordinator, {hospital.name if hospital else recipient.code}"
        case RecipientKind.CENTRE:
            centre = site.centre(recipient.code)
            return centre.name if centre else recipient.code
        case _:
            assert_never(recipient.kind)


def _contact(telling: Telling) -> str:
    hospital = _hospital(telling)
    if hospital is None:
        return "Please ask the hospital."
    hub = f" Discharge hub {hospital.hub_phone}." if hospital.hub_phone else ""
    return f"Hospital: {hospital.name}.{hub}"


def _hospital(telling: Telling) -> Hospital | None:
    """The hospital by the site file's own name: never a word that a message brought."""
    place = telling.stay.place
    where = whereabouts(telling.site, place)
    if where.reach is Reach.UNKNOWN:
        return telling.site.hospital(place.hospital) if place else None
    return telling.site.hospital(where.coordinator.code)
