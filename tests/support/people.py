"""People on the register, for tests: fixed defaults, a test states only what matters."""

from dataclasses import replace
from datetime import date

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor, Carer, Registration, Sharing

JEAN = Registration(
    registration_id="R-1",
    centre="LANCARERS",
    carer=Carer(given="Jean", family="Carswell", phone="07700 900123"),
    patient=CaredFor(
        identifier=Identifier(IdentifierKind.NHS, "9990000018"),
        given="Hugh",
        family="Carswell",
        birth_date=date(1948, 2, 11),
    ),
    relationship="WIFE",
    agrees_hospital=True,
    agrees_events=True,
    sharing=Sharing.FULL,
    registered_on=date(2026, 3, 3),
)


def a_registration(**changes: object) -> Registration:
    """Jean, who looks after Hugh, but for what is changed."""
    return replace(JEAN, **changes)
