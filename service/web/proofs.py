"""The four boxes of the involvement record: what stands in each and what pressing it says."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.events import PROOFS, FactKind, FactRecorded
from alerts.model.register import Registration, Sharing
from alerts.model.stay import Stay
from service.web.words import Clock

WORDS = {
    FactKind.INFORMED: "Informed",
    FactKind.INVITED: "Views invited",
    FactKind.VIEWS: "Views heard",
    FactKind.ACCOUNT_TAKEN: "Account taken",
}
WAYS = {
    "phone": "By phone",
    "in-person": "Face to face",
    "letter": "By letter",
    "video": "Video or interpreter",
}
VIEWS = {
    "given": "Save views",
    "none": "No views to give",
    "no-reply": "No reply after 2 tries",
    "declined": "Does not want to be involved",
}
ACCOUNTS = {
    "follows": "Plan follows the views",
    "not-possible": "Plan could not follow them",
}
BUTTONS = {
    FactKind.INFORMED: WAYS,
    FactKind.INVITED: WAYS,
    FactKind.VIEWS: VIEWS,
    FactKind.ACCOUNT_TAKEN: ACCOUNTS,
}
"""What can be pressed in each panel, by the code that is kept."""
UNDO_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What somebody typed into one panel and why it was not taken."""

    stay: str
    registration: str
    proof: FactKind
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """One box. ``state``: done, next, todo, again (the date moved) or no (patient's choice)."""

    proof: str
    word: str
    state: str
    note: str
    said: str
    lead: str
    buttons: tuple[tuple[str, str], ...]
    offers_views: bool
    seen: int
    """How often it was recorded when this was printed: a repeat of the press is known by it."""
    wrong: Wrong | None


@dataclass(frozen=True, slots=True)
class Saved:
    """What this viewer recorded a moment ago and may take back."""

    words: str
    at: datetime


def boxes(
    stay: Stay, registration: Registration, clock: Clock, wrong: Wrong | None = None
) -> tuple[Box, ...]:
    """The four boxes of one carer; at most one of them is next."""
    states = _states(stay, registration)
    return tuple(_box(stay, registration, (p, states[p]), clock, wrong) for p in PROOFS)


def recorded(stay: Stay, registration: str, proof: FactKind) -> tuple[FactRecorded, ...]:
    """What stands for one carer of one proof, oldest first."""
    return tuple(f for f in stay.facts if (f.registration, f.fact) == (registration, proof))


def saved(stay: Stay, registration: str, by: str, now: datetime) -> Saved | None:
    """The newest press of this person on this carer, while it can be taken back."""
    mine = [f for f in stay.facts if f.registration == registration and f.by == by]
    if not mine:
        return None
    newest = max(f.at for f in mine)
    if now - newest > UNDO_FOR:
        return None
    pressed = [f for f in mine if f.at == newest]
    return Saved(_short(pressed), newest)


def words_of(proof: FactKind, how: str, text: str, clock: Clock, stay: Stay) -> str:
    """What the record says of one press."""
    if proof is FactKind.INFORMED:
        on = f"the planned date, {clock.short_day(stay.planned.on)}" if stay.planned else "the plan"
        return f"Told of {on}. {WAYS[how]}"
    if proof is FactKind.INVITED:
        return f"Asked for their views. {WAYS[how]}"
    if proof is FactKind.VIEWS:
        return text if how == "given" else VIEWS[how]
    return f"{ACCOUNTS[how]}: {text}" if text else ACCOUNTS[how]


def fault_of(proof: FactKind, how: str, text: str, first: str) -> str:
    """Why a press cannot be kept as it is, empty where it can."""
    if proof is FactKind.VIEWS and how == "given" and not text:
        return f"write what {first} said"
    if proof is FactKind.ACCOUNT_TAKEN and how == "not-possible" and not text:
        return f"write why the plan could not follow {first}’s views"
    return ""


def _states(stay: Stay, registration: Registration) -> dict[FactKind, str]:
    states = {proof: _state(stay, registration, proof) for proof in PROOFS}
    wanting = [proof for proof in PROOFS if states[proof] in ("todo", "again")]
    if wanting and states[wanting[0]] == "todo":
        states[wanting[0]] = "next"
    return states


def _state(stay: Stay, registration: Registration, proof: FactKind) -> str:
    if proof is FactKind.INFORMED and registration.sharing is Sharing.REFUSED:
        return "no"
    facts = recorded(stay, registration.key, proof)
    if not facts:
        return "todo"
    is_moved = stay.planned is not None and facts[-1].planned_on != stay.planned.on
    return "again" if proof is FactKind.INFORMED and is_moved else "done"


def _box(
    stay: Stay,
    registration: Registration,
    standing: tuple[FactKind, str],
    clock: Clock,
    wrong: Wrong | None,
) -> Box:
    proof, state = standing
    facts = recorded(stay, registration.key, proof)
    here = (stay.id, registration.key, proof)
    is_wrong = wrong is not None and (wrong.stay, wrong.registration, wrong.proof) == here
    return Box(
        proof=proof.value,
        word=WORDS[proof],
        state=state,
        note=_note(state, facts, clock),
        said=f"{facts[-1].words}. {clock.time(facts[-1].at)}, {facts[-1].by}" if facts else "",
        lead=_lead(proof, stay, registration, clock),
        buttons=tuple(BUTTONS[proof].items()),
        offers_views=proof is FactKind.INFORMED,
        seen=len(facts),
        wrong=wrong if is_wrong else None,
    )


def _note(state: str, facts: tuple[FactRecorded, ...], clock: Clock) -> str:
    if state == "no":
        return "patient’s choice"
    if state == "again":
        return "date moved" if facts[-1].planned_on else "date is known"
    return clock.time(facts[-1].at) if state == "done" else ""


def _lead(proof: FactKind, stay: Stay, registration: Registration, clock: Clock) -> str:
    first, patient = registration.carer.given, stay.patient.given or "the patient"
    leaves = f"leaving {clock.day(stay.planned.on)}" if stay.planned else "leaving hospital"
    if proof is FactKind.INFORMED and stay.planned:
        return f"I told {first} that {patient} is to leave {clock.day(stay.planned.on)}."
    if proof is FactKind.INFORMED:
        return f"I told {first} that we are planning for {patient} to leave."
    if proof is FactKind.INVITED and registration.sharing is Sharing.REFUSED:
        return f"I asked {first} for their views. I told them nothing about {patient}."
    if proof is FactKind.INVITED:
        return f"I asked {first} for their views on {patient} {leaves}."
    if proof is FactKind.VIEWS:
        return f"What did {first} say? One line is enough"
    return "What changed, or why could it not? Needed if the plan does not follow the views"


def _short(pressed: list[FactRecorded]) -> str:
    kinds = [f.fact for f in pressed]
    way = WAYS.get(pressed[-1].how, "").lower()
    if kinds == [FactKind.INFORMED, FactKind.INVITED]:
        return f"told and asked, {way}"
    what = {
        FactKind.INFORMED: f"told, {way}",
        FactKind.INVITED: f"asked for views, {way}",
        FactKind.VIEWS: "views",
        FactKind.ACCOUNT_TAKEN: "account taken",
    }
    return what.get(kinds[-1], kinds[-1].value)
