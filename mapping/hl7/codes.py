"""HL7 tables to our enums."""

from alerts.model.events import Hiding, PatientClass
from alerts.model.identity import Sex

# HL7 table 0004 and its words, and W waiting list and N no visit of HL7 UK A.3.
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
    "INPATIENT": PatientClass.INPATIENT,
    "EMERGENCY": PatientClass.EMERGENCY,
    "OUTPATIENT": PatientClass.OUTPATIENT,
    "DAY CASE": PatientClass.DAY_CASE,
    "DAYCASE": PatientClass.DAY_CASE,
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


_YES = frozenset({"Y", "YES", "1", "T", "TRUE"})
_NO = frozenset({"N", "NO", "0", "F", "FALSE"})


def patient_class(code: str) -> PatientClass | None:
    """PV1-2, or None for a code of no known table."""
    return _PATIENT_CLASSES.get(" ".join(code.upper().replace("-", " ").split()))


def yes_or_no(code: str) -> bool | None:
    """HL7 table 0136 however it is spelled, or None for anything else."""
    folded = code.upper()
    return True if folded in _YES else False if folded in _NO else None


def sex(code: str) -> Sex | None:
    """PID-8, or None for a code of no known table."""
    return _SEXES.get(code.upper())


def hiding(code: str) -> Hiding | None:
    """ZU8-4 (HL7 UK A.3), or None for a code of no known table."""
    return _HIDING.get(code.lstrip("0") or code[:1])


def consents(code: str) -> bool | None:
    """ZU8-2: the patient consents to share, or None for a code of no known table."""
    folded = code.upper()
    if folded in {"Y", "YES", "1", "01", "T", "TRUE", "CONSENT", "AGREED"}:
        return True
    return False if folded in {"N", "NO", "2", "02", "F", "FALSE", "REFUSED", "DISSENT"} else None
