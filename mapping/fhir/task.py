"""A disclosed Task as FHIR R4 Task."""

from alerts.model.alert import TaskCode
from alerts.model.disclosed import DisclosedTask
from alerts.model.events import FactRecorded
from mapping.fhir import systems
from mapping.fhir.elements import (
    Element,
    coded,
    desk,
    instant,
    logical,
    narrative,
    person_number,
    software,
)
from mapping.fhir.resources import checked
from mapping.fhir.systems import Claims

TITLES = {
    TaskCode.INVOLVE_CARER: "Involve the carer in discharge planning",
    TaskCode.CONFIRM_MATCH: "Is this the same person as on the register?",
    TaskCode.CONTACT_CARER: "Contact the carer after discharge",
    TaskCode.REPAIR_MISSED: "Ring the carer: the patient left before the carer was involved",
    TaskCode.BEREAVEMENT_SUPPORT: "Consider bereavement support (staff only)",
}
_PROPOSALS = frozenset({TaskCode.CONFIRM_MATCH})


def render(task: DisclosedTask, claims: Claims, chi_system: str) -> str:
    """The Task as JSON."""
    title = TITLES[task.code]
    body: Element = {
        "id": task.id,
        **claims.meta("Task"),
        "text": narrative(title, task.note or ""),
        "status": task.status.value,
        "intent": "proposal" if task.code in _PROPOSALS else "order",
        "priority": "urgent" if task.urgent else "routine",
        "code": coded(systems.TASK_CODE, task.code.value, title),
        "for": _subject(task, chi_system),
        "authoredOn": instant(task.authored_at),
        "lastModified": instant(max(task.modified_at, task.authored_at)),
        "requester": software(),
        "owner": desk(task.owner),
    }
    return checked("Task", body | _optional(task) | _about(task))


def _optional(task: DisclosedTask) -> Element:
    parts: Element = {}
    if task.state is not None:
        parts["businessStatus"] = coded(systems.TASK_STATE, task.state.value)
    if task.reason:
        parts["statusReason"] = {"text": task.reason}
    if task.note:
        parts["description"] = task.note
    if task.due_at is not None:
        parts["restriction"] = {"period": {"end": instant(task.due_at)}}
    if task.visit is not None:
        stay = logical("Encounter", systems.VISIT, task.visit)
        parts |= {"encounter": stay, "focus": stay}
    if task.focus_notice is not None:
        parts["focus"] = {"reference": f"Communication/{task.focus_notice}"}
    if task.place is not None:
        parts["location"] = logical("Location", systems.WARD, task.place)
    return parts


def _about(task: DisclosedTask) -> Element:
    """What the owner needs to know, and what was recorded."""
    inputs: list[Element] = []
    if task.registration_id is not None:
        carer = logical(
            "RelatedPerson", systems.REGISTRATION, task.registration_id, task.carer or ""
        )
        inputs.append({"type": {"text": "carer"}, "valueReference": carer})
    if task.planned_on is not None:
        planned = {"type": {"text": "planned date of discharge"}}
        inputs.append(planned | {"valueDate": task.planned_on.isoformat()})
    parts: Element = {"input": inputs} if inputs else {}
    if task.facts:
        parts["output"] = [_fact(fact) for fact in task.facts]
    return parts


def _fact(fact: FactRecorded) -> Element:
    """Who, when and how, as an Annotation."""
    annotation = {"authorString": fact.by, "time": instant(fact.at), "text": fact.words}
    return {"type": coded(systems.PROOF, fact.fact.value), "valueAnnotation": annotation}


def _subject(task: DisclosedTask, chi_system: str) -> Element:
    """The patient's number; for a centre its own registration id instead."""
    if task.patient is not None:
        return {"type": "Patient", "identifier": person_number(task.patient, chi_system)}
    if task.registration_id is not None:
        return logical("Patient", systems.REGISTRATION, task.registration_id)
    return logical("Patient", systems.VISIT, task.visit or task.id)
