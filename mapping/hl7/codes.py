"""HL7 tables to our enums."""

from alerts.model.events import Hiding, PatientClass
from alerts.model.identity import Sex

# HL7 table 0004, and W waiting list and N no visit of HL7 UK A.3.
_PATIENT_CLASSES = {
    "I": PatientClass.INPATIENT,
    "E": PatientClass.EMERGENCY,
    "O": PatientClass.OUTPATIENT,
    "P": PatientClass.PREADMIT,
    "R": PatientClass.OTHER,
    "B": PatientClass.OTHER,
    "C": PatientClass.OTHER,
    "N": PatientClass.OTHER,
    "W": PatientClass.OTHER,
    "U": PatientClass.UNKNOWN,
}

# HL7 table 0001, and the digits of the NHS data dictionary.
_SEXES = {
    "F": Sex.FEMALE,
    "M": Sex.MALE,
    "O": Sex.OTHER,
    "A": Sex.OTHER,
    "U": Sex.UNKNOWN,
    "N": Sex.UNKNOWN,
    "1": Sex.MALE,
    "2": Sex.FEMALE,
    "9": Sex.OTHER,
    "0": Sex.UNKNOWN,
}

_HIDING = {"0": Hiding.NONE, "1": Hiding.LOCAL, "2": Hiding.NATIONAL}


def patient_class(code: str) -> PatientClass:
    """PV1-2; local words such as DAY CASE are unknown, which counts as an inpatient."""
    return _PATIENT_CLASSES.get(code.upper(), PatientClass.UNKNOWN)


def sex(code: str) -> Sex | None:
    """PID-8, or None for a code of no known table."""
    return _SEXES.get(code.upper())


def hiding(code: str) -> Hiding | None:
    """ZU8-4 (HL7 UK A.3), or None for a code of no known table."""
    return _HIDING.get(code.lstrip("0") or code[:1])


def refuses(code: str) -> bool:
    """ZU8-2: the patient does not consent to share."""
    return code.upper() in {"N", "NO", "2", "02", "F", "FALSE", "REFUSED", "DISSENT"}
