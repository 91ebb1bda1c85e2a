"""Each row of what an event does, and the same messages in another order of arrival."""

from datetime import date

import pytest

from alerts.model.alert import (
    TaskCode,
    TaskStatus,
)
from alerts.model.events import PatientClass, PlannedDate
from tests.support.desk import (
    SILENT_WARD,
    STRANGE_WARD,
    Desk,
    a01,
    a02,
    a03,
    a08,
    a11,
    a13,
    a16,
    a25,
    all_proofs,
)

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
LEFT = ["contact-carer requested", "involve-carer failed", "notice discharged completed"]
MISSED = [*LEFT, "repair-missed requested"]
UNDONE = [
    "contact-carer cancelled",
    "involve-carer requested",
    "notice cancelled completed",
    "notice discharged completed",
    "repair-missed cancelled",
]
DIED = ["bereavement-support requested", "involve-carer cancelled"]

ROWS = [
    ([a01()], ["involve-carer requested"], "an admission asks the ward"),
    ([a08(1)], ["involve-carer requested"], "an update for an unknown stay opens it"),
    ([a01(patient_class=PatientClass.EMERGENCY)], [], "not an inpatient yet"),
    (
        [a01(patient_class=PatientClass.EMERGENCY), a08(1)],
        ["involve-carer requested"],
        "the first event that shows an inpatient stay",
    ),
    ([a01(patient_class=PatientClass.UNKNOWN)], ["involve-carer requested"], "unknown counts"),
    ([a01(patient_class=None)], ["involve-carer requested"], "empty counts"),
    (
        [a01(), a16(1, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "a date first known",
    ),
    (
        [a01(planned=PlannedDate(FRIDAY))],
        ["involve-carer requested", "notice planned completed"],
        "from any event",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, SATURDAY)],
        [
            "involve-carer requested",
            "notice date-changed completed",
            "notice planned completed",
        ],
        "a date that moved",
    ),
    (
        [a01(), a16(2, SATURDAY), a16(1, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "an older date that comes late tells nobody",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "the same date again",
    ),
    ([a01(), a02(1)], ["involve-carer requested"], "the same Task after a transfer"),
    (
        [a01(), a16(1, FRIDAY), a25(2)],
        ["involve-carer requested", "notice cancelled completed", "notice planned completed"],
        "the plan is cancelled",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, SATURDAY), a25(3)],
        [
            "involve-carer requested",
            "notice cancelled completed",
            "notice date-changed completed",
            "notice planned completed",
        ],
        "one correction for the whole chain",
    ),
    ([a01(), a25(2), a16(1, FRIDAY)], ["involve-carer requested"], "a cancel before its plan"),
    ([a01(), a25(2)], ["involve-carer requested"], "nothing went out, nothing to cancel"),
    ([a01(), a11(1)], ["involve-carer cancelled"], "the admission is cancelled"),
    ([a11(1), a01()], [], "a cancel before its admission"),
    (
        [a01(), a16(1, FRIDAY), a11(2)],
        ["involve-carer cancelled", "notice cancelled completed", "notice planned completed"],
        "and the centre is told, for it was told before",
    ),
    ([a01(), a03(5)], sorted(MISSED), "left with the record incomplete"),
    ([a03(5), a01()], sorted(MISSED), "the discharge came first"),
    ([a03(5)], sorted(MISSED), "the admission never came"),
    (
        [a01(), *all_proofs(2), a03(5)],
        sorted(["involve-carer completed", *LEFT[:1], LEFT[2]]),
        "left with the record complete",
    ),
    (
        [a01(), a03(5), *all_proofs(4)],
        sorted([LEFT[0], LEFT[2], "involve-carer completed", "repair-missed cancelled"]),
        "it happened before, it was written down after",
    ),
    ([a01(), a03(5), *all_proofs(6)], sorted(MISSED), "proofs after leaving do not count"),
    ([a01(), a03(5), a13(6)], UNDONE, "the discharge is cancelled"),
    ([a01(), a13(6), a03(5)], ["involve-carer requested"], "a cancel before its discharge"),
    (
        [a01(), a03(5), a13(6), a03(7)],
        sorted(
            [
                *MISSED,
                "contact-carer cancelled",
                "notice cancelled completed",
                "notice discharged completed",
                "repair-missed cancelled",
            ]
        ),
        "left a second time",
    ),
    ([a01(), a03(5), a03(6)], sorted(MISSED), "the same discharge again"),
    ([a01(), a03(5), a08(6)], sorted(MISSED), "an update never reopens"),
    ([a01(), a03(5), a02(6)], sorted(MISSED), "a transfer after leaving never reopens"),
    (
        [a01(), a03(5), a11(6)],
        sorted(
            [
                "contact-carer cancelled",
                "involve-carer cancelled",
                "repair-missed cancelled",
                "notice cancelled completed",
                "notice discharged completed",
            ]
        ),
        "there never was an admission",
    ),
    ([a01(), a08(1, died=True)], DIED, "the patient died"),
    ([a01(), a03(5, died=True)], DIED, "left by death"),
    ([a03(5, died=True), a01()], DIED[:1], "the death came first"),
    (
        [a01(), a16(1, FRIDAY), a08(2, died=True), a03(3)],
        [*DIED, "notice planned entered-in-error", "notice withdrawn completed"],
        "no news of a homecoming, and what was told is taken back",
    ),
    (
        [a01(), a03(5), a08(6, died=True)],
        sorted(
            [
                DIED[0],
                "contact-carer cancelled",
                "involve-carer failed",
                "notice discharged entered-in-error",
                "notice withdrawn completed",
                "repair-missed cancelled",
            ]
        ),
        "a death after leaving",
    ),
    (
        [a01(), a08(1, died=True), a08(2, died=False)],
        ["bereavement-support requested", "confirm-death requested", "involve-carer cancelled"],
        "denied: it holds until a person says otherwise",
    ),
    ([a01(place=SILENT_WARD), a16(1, FRIDAY, place=SILENT_WARD)], [], "a ward not live"),
    ([a01(), a02(1, SILENT_WARD)], ["involve-carer cancelled"], "moved to a ward not live"),
    ([a01(place=SILENT_WARD), a02(1)], ["involve-carer requested"], "moved to a live one"),
    (
        [a01(place=STRANGE_WARD), a16(1, FRIDAY, place=STRANGE_WARD)],
        ["involve-carer requested"],
        "an unknown ward: nothing leaves",
    ),
    (
        [a01(place=STRANGE_WARD), a03(5, place=STRANGE_WARD)],
        ["involve-carer failed", "repair-missed requested"],
        "an unknown ward: nothing leaves at discharge",
    ),
    ([a01(), a03(1), a11(2), a01(3)], None, "an admission after a cancelled one opens it again"),
]


@pytest.mark.parametrize(("arrival", "expected", "comment"), ROWS, ids=[r[2] for r in ROWS])
def test_each_row_of_the_table_does_what_it_says(arrival, expected, comment):
    desk = Desk().tell(*arrival)
    if expected is None:
        assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED
    else:
        assert desk.said() == sorted(expected), comment
