"""A disclosed Task as an R4 Task."""

from typing import assert_never

from alerts.model.alert import RecipientKind, TaskCode, TaskState
from alerts.model.disclosed import DisclosedTask
from alerts.model.events import FactKind, FactRecorded
from mapping.fhir.elements import (
    Element,
    concept,
    element,
    head,
    instant,
    narrative,
    plain_date,
    plain_instant,
    reference,
    to_desk,
    to_patient,
    to_stay,
    to_us,
    words,
)
from mapping.fhir.resources import checked
from mapping.fhir.systems import (
    CARER_PROOF,
    CARER_TASK,
    CARER_TASK_STATE,
    REGISTRATION,
    WARD,
    Claims,
)

_CODES = {
    TaskCode.INVOLVE_CARER: "Involve the carer in discharge planning",
    TaskCode.CONFIRM_MATCH: "Is this patient the person on the carer register?",
    TaskCode.CONTACT_CARER: "Contact the carer after the discharge",
    TaskCode.REPAIR_MISSED: "Make good what the carer missed before the discharge",
    TaskCode.CONFIRM_DEATH: "Has the patient died? (staff only)",
    TaskCode.BEREAVEMENT_SUPPORT: "Consider support for a bereaved carer (staff only)",
}
_PROPOSALS = (TaskCode.CONFIRM_MATCH, TaskCode.CONFIRM_DEATH)
_STATES = {
    TaskState.NOT_INFORMED: "Carer not yet informed",
    TaskState.INFORMED: "Carer informed",
    TaskState.VIEWS_INVITED: "Carer's views asked for",
    TaskState.VIEWS_RECORDED: "Carer's views recorded",
    TaskState.ACCOUNT_TAKEN: "Carer's views taken into account",
    TaskState.COMPLETE: "Carer involved before discharge",
    TaskState.MISSED: "Patient left before the carer was involved",
    TaskState.NOT_APPLICABLE: "Not applicable",
    TaskState.SHARE_NOTHING: "Listen to the carer, share nothing",
}
_FACTS = {
    FactKind.LIKELY: "Likely to give care afterwards",
    FactKind.INFORMED: "Told of the planned discharge",
    FactKind.INVITED: "Asked for their views",
    FactKind.VIEWS: "Views recorded",
    FactKind.ABLE: "Able to give care",
    FactKind.WILLING: "Willing to give care",
    FactKind.ACCOUNT_TAKEN: "Views taken into account",
}


def render(task: DisclosedTask, claims: Claims) -> str:
    """The Task as JSON, checked."""
    body = head("Task", task.id, claims) | element(
        {
            "text": _narrative(task),
            "status": task.status.value,
            "statusReason": element({"text": words(task.reason)}),
            "businessStatus": _state(task.state),
            "intent": "proposal" if task.code in _PROPOSALS else "order",
            "priority": "urgent" if task.urgent else "routine",
            "code": concept(CARER_TASK, task.code.value, _CODES[task.code]),
            "description": words(task.note),
            "focus": _focus(task),
            "for": _subject(task, claims),
            "encounter": to_stay(task.visit, task.visit_authority) if task.visit else None,
            "authoredOn": instant(task.authored_at),
            "lastModified": instant(max(task.authored_at, task.modified_at)),
            "requester": to_us(),
            "owner": to_desk(task.owner),
            "location": reference("Location", WARD, task.place) if task.place else None,
            "restriction": _restriction(task),
            "input": _inputs(task),
            "output": [_output(fact) for fact in task.facts if not fact.undone],
        }
    )
    return checked("Task", body)


def _state(state: TaskState | None) -> Element | None:
    return concept(CARER_TASK_STATE, state.value, _STATES[state]) if state else None


def _focus(task: DisclosedTask) -> Element | None:
    """The notice that it follows from, else the stay."""
    if task.focus_notice:
        return {"reference": f"Communication/{task.focus_notice}"}
    return to_stay(task.visit, task.visit_authority) if task.visit else None


def _subject(task: DisclosedTask, claims: Claims) -> Element | None:
    """The patient; to a centre its own registration stands for them, never a patient's number."""
    match task.owner.recipient.kind:
        case RecipientKind.CENTRE:
            return _registration("Patient", task)
        case RecipientKind.WARD | RecipientKind.COORDINATOR:
            return to_patient(task.patient, claims) if task.patient else None
        case _ as never:
            assert_never(never)


def _registration(kind: str, task: DisclosedTask, display: str | None = None) -> Element | None:
    if task.registration_id is None:
        return None
    return reference(kind, REGISTRATION, task.registration_id, display)


def _restriction(task: DisclosedTask) -> Element | None:
    """When it is due; a deadline before the Task was written says nothing to a reader."""
    if task.due_at is None or task.due_at < task.authored_at:
        return None
    return {"period": {"end": instant(task.due_at)}}


def _inputs(task: DisclosedTask) -> list[Element]:
    """The carer and the planned date."""
    inputs: list[Element] = []
    carer = _carer(task)
    if carer:
        inputs.append({"type": {"text": "carer"}, "valueReference": carer})
    if task.planned_on:
        planned = task.planned_on.isoformat()
        inputs.append({"type": {"text": "planned date of discharge"}, "valueDate": planned})
    return inputs


def _carer(task: DisclosedTask) -> Element | None:
    """The carer, for wards and coordinators: a centre knows them by the subject."""
    if task.owner.recipient.kind is RecipientKind.CENTRE:
        return None
    named = _registration("RelatedPerson", task, task.carer)
    if named is None and task.carer:
        return element({"type": "RelatedPerson", "display": words(task.carer)})
    return named


def _output(fact: FactRecorded) -> Element:
    """One fact of the involvement record: who, when and how in words."""
    said = element(
        {
            "authorString": words(fact.by),
            "time": instant(fact.at),
            "text": words(fact.words) or words(fact.how) or _FACTS[fact.fact],
        }
    )
    kind = concept(CARER_PROOF, fact.fact.value, _FACTS[fact.fact])
    return {"type": kind, "valueAnnotation": said}


def _narrative(task: DisclosedTask) -> Element:
    lines = [
        f"For: {task.owner.display}",
        f"Status: {task.status.value}",
        f"Involvement: {_STATES[task.state]}" if task.state else None,
        f"Carer: {task.carer}" if _carer(task) and task.carer else None,
        f"Planned date of discharge: {plain_date(task.planned_on)}" if task.planned_on else None,
        f"Due: {plain_instant(task.due_at)}" if _restriction(task) and task.due_at else None,
        task.note,
        task.reason,
    ]
    return narrative(_CODES[task.code], lines)
