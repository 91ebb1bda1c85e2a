"""Register files for tests: one sound row, changed by what a test states."""

from datetime import date

from mapping.register_csv import RegisterTerms, read

TERMS = RegisterTerms(centres=("LANCARERS", "YOUNGNL"), today=date(2026, 11, 23))
SOUND = {
    "registration_id": "LC-1",
    "centre": "LANCARERS",
    "carer_given": "Ann",
    "carer_family": "Smith",
    "relationship": "CHILD",
    "patient_identifier": "nhs:9990000018",
    "patient_given": "Mary",
    "patient_family": "Smith",
    "patient_birth_date": "1941-05-05",
    "carer_agrees_hospital": "yes",
    "carer_agrees_events": "no",
    "patient_agrees_sharing": "full",
    "registered_on": "2026-01-02",
}
OPTIONAL = {
    "carer_birth_date": "1970-02-28",
    "carer_identifier": "nhs:9990000026",
    "carer_phone": "07700 900001",
    "carer_email": "ann@example.com",
    "carer_postcode": "ML1 1AA",
    "contact_by": "phone",
    "contact_times": "after 5, not Fridays",
    "format": "large-print",
    "language": "pt-BR",
    "main_carer": "yes",
    "young_carer": "no",
    "at_school": "no",
    "patient_postcode": "ML1 1AB",
    "emergency_plan": "yes",
    "support_plan": "no",
    "passport_scheme": "Carer Passport",
    "passport_number": "P-1",
    "passport_expires": "2027-01-01",
    "passport_topics": "discharge;medication",
    "preferred_service": "Lanarkshire Carers",
    "wants_feedback": "yes",
    "review_on": "2027-01-01",
    "ended_on": "2026-12-01",
}


def a_file(*rows: dict[str, str], end: str = "\n") -> bytes:
    """A file with the columns of its first row."""
    lines = [",".join(rows[0]), *(",".join(map(_quoted, row.values())) for row in rows)]
    return (end.join(lines) + end).encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def faults(data: bytes, terms: RegisterTerms = TERMS) -> list[tuple[int, str]]:
    return [(fault.line, fault.column) for fault in read(data, terms).faults]
