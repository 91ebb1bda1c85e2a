"""Identifier and code systems, and the profiles that may be claimed (UK Core STU2)."""

from dataclasses import dataclass

BASE = "https://thinkcarer.example"
IDS = f"{BASE}/Id"
CODES = f"{BASE}/CodeSystem"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
REGISTRATION = f"{IDS}/registration"
VISIT = f"{IDS}/visit"
WARD = f"{IDS}/ward"
HOSPITAL = f"{IDS}/hospital"
CENTRE = f"{IDS}/centre"
SOFTWARE = f"{IDS}/software"
LOCAL = f"{IDS}/local"
TASK_CODE = f"{CODES}/carer-task"
TASK_STATE = f"{CODES}/carer-task-state"
PROOF = f"{CODES}/carer-proof"
EVENT = f"{CODES}/carer-event"
CARER_ROLE = "https://fhir.hl7.org.uk/CodeSystem/UKCore-AdditionalPersonRelationshipRole"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PROFILES = "https://fhir.hl7.org.uk/StructureDefinition"
DISCHARGE_METHOD = f"{PROFILES}/Extension-UKCore-DischargeMethod"
METHOD_CODES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeMethodEngland"
DESTINATION_CODES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeDestinationEngland"

_ACTIVE = frozenset({"Patient", "RelatedPerson", "Encounter"})
_DRAFT = frozenset({"Task", "Communication"})


@dataclass(frozen=True, slots=True)
class Claims:
    """Which profiles ``meta.profile`` may name: a receiver may refuse one it does not know."""

    draft: bool = False

    def meta(self, kind: str) -> dict[str, object]:
        """The ``meta`` element for a resource of that kind, empty where nothing is claimed."""
        if kind in _ACTIVE or (self.draft and kind in _DRAFT):
            return {"meta": {"profile": [f"{PROFILES}/UKCore-{kind}"]}}
        return {}
