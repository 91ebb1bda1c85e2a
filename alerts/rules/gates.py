"""Why a desk may not be asked and why nothing may leave the hospital, and the answers in words."""

from dataclasses import dataclass
from datetime import date

from alerts.hours import local_date
from alerts.model.alert import Agreement
from alerts.model.register import Registration, Sharing
from alerts.model.site import NoticeEvent
from alerts.model.stay import StayStatus
from alerts.rules.situation import Case, Reach, Situation, is_hidden


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands in the way of a Task of the hospital."""

    why: str
    is_void: bool = False
    """True where the Task should never have been: a closed one is cancelled too."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One question of a decision, for the engineers' page; nothing of a patient in it."""

    question: str
    answer: str
    why: str
    about: str = ""
    """Registration key, empty where it is about the stay alone."""


def bar(case: Case) -> Bar | None:
    """Why nobody may be asked now; None if nothing is in the way."""
    found = unfit(case)
    if found is None and case.stay.died:
        return Bar("the patient died", is_void=not case.stay.died_after_leaving)
    return found


def unfit(case: Case) -> Bar | None:
    """The same, death aside."""
    why = voided(case)
    if why is not None:
        return Bar(why, is_void=True)
    if not case.registration.agrees_hospital:
        return Bar("the carer does not agree that the hospital is told")
    why = ended(case)
    return None if why is None else Bar(why)


def voided(case: Case) -> str | None:
    """There was no admission, it is not surely this person's, or it is no stay of ours."""
    if case.stay.status is StayStatus.CANCELLED:
        return "the admission was cancelled"
    if case.match is None:
        return "not the person on the register"
    if not case.is_certain:
        return "not certain that it is the same person"
    return misplaced(case)


def misplaced(case: Case) -> str | None:
    """Not an inpatient, or on a ward where nobody is shown anything yet."""
    if not case.stay.is_inpatient:
        return "not an inpatient stay"
    return "the ward is not live" if case.where.reach is Reach.NOT_LIVE else None


def ended(case: Case) -> str | None:
    """The centre does not look after this carer any more."""
    is_over = case.match is not None and case.match.ended
    return "the registration has ended" if is_over else None


def silence(case: Case) -> str | None:
    """Why no news of this carer may leave the hospital, whatever the centre lists."""
    barred = bar(case)
    if barred is not None:
        return barred.why
    if case.where.reach is not Reach.LIVE:
        return f"the place is {case.where.reach.value}"
    if not case.registration.agrees_events:
        return "the carer does not agree to be told of events"
    if not shares_discharge(case.registration, local_date(case.now)):
        return "the patient does not share the discharge"
    if is_hidden(case.situation):
        return "a gate is closed"
    return "the site file does not name the centre" if case.centre is None else None


def shares_discharge(registration: Registration, today: date) -> bool:
    """The patient agreed that the carer hears of it; a passport holds on its last day."""
    if registration.sharing is Sharing.TOPICS:
        expires_on = registration.passport_expires_on
        is_over = expires_on is not None and expires_on < today
        return "discharge" in registration.topics and not is_over
    return registration.sharing is Sharing.FULL


def lists(case: Case, event: NoticeEvent) -> bool:
    """The centre wants to hear of that event."""
    return case.centre is not None and event in case.centre.events


def grounds(case: Case) -> tuple[Ground, ...]:
    """Every question of a case with its answer."""
    asked = [_same_person(case)]
    if case.match is not None:
        asked += _agreements(case)
    asked += [
        ("Any gate closed?", *_yes(_is_closed(case.situation), _gates(case.situation))),
        (
            "Is the ward live?",
            *_yes(case.where.reach in (Reach.LIVE, Reach.PROBE), f"it is {case.where.reach.value}"),
        ),
    ]
    return tuple(Ground(question, answer, why, case.key) for question, answer, why in asked)


def _same_person(case: Case) -> tuple[str, str, str]:
    question = "Same person as on the register?"
    if case.match is None:
        return question, "no", "nobody on the register fits any more"
    if case.match.confirmed:
        return question, "yes", "a coordinator said so"
    same = [e.what for e in case.match.evidence if e.agreement is Agreement.SAME]
    return question, "yes" if case.is_certain else "doubtful", f"same: {', '.join(same)}"


def _agreements(case: Case) -> list[tuple[str, str, str]]:
    registration = case.registration
    agreed = registration.agrees_hospital and registration.agrees_events
    said = (
        f"hospital {_word(registration.agrees_hospital)}, "
        f"events {_word(registration.agrees_events)}"
    )
    if case.match is not None and case.match.ended:
        agreed, said = False, "the registration has ended"
    wanted = ", ".join(e.value for e in case.centre.events) if case.centre else ""
    return [
        ("Carer agrees to hospital and events?", *_yes(agreed, said)),
        (
            "Patient agrees to share?",
            *_yes(
                shares_discharge(registration, local_date(case.now)),
                f"sharing is {registration.sharing.value}",
            ),
        ),
        (
            "Does the centre want it?",
            *_yes(bool(wanted), f"it listens to {wanted}" if wanted else "it listens to nothing"),
        ),
    ]


def _is_closed(situation: Situation) -> bool:
    return situation.stay.died or is_hidden(situation)


def _gates(situation: Situation) -> str:
    # Which gate it is stays out of the record: its reason is locked (domain rules on restriction).
    if situation.stay.died:
        return "death"
    return "restriction" if is_hidden(situation) else "none"


def _yes(is_so: bool, why: str) -> tuple[str, str]:
    return _word(is_so), why


def _word(is_so: bool) -> str:
    return "yes" if is_so else "no"
