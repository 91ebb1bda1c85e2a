"""What each recipient must not see, with a canary in every field of stay and registration."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.disclosure.alerts import Telling, disclose
from alerts.model.alert import (
    Notice,
    NoticeStatus,
    Task,
    TaskCode,
    TaskStatus,
)
from alerts.model.disclosed import DisclosedNotice, DisclosedTask
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    Hiding,
)
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Sharing
from alerts.model.site import NoticeEvent
from tests.support.canaries import (
    CENTRE,
    COORDINATOR,
    LOCAL,
    NHS,
    REGISTRATION,
    STAY,
    TELLING,
    WARD,
    a_notice,
    a_task,
)


def seen(alert: Task | Notice, telling: Telling = TELLING) -> str:
    """Everything that the recipient is given, as one text."""
    return repr(disclose(alert, telling))


PATIENT_ONLY = (
    "CANARY-FAMILY",
    "CANARY-GIVEN",
    "datetime.date(1901, 2, 3)",
    "CANARY-POSTCODE",
    "CANARY-PHONE",
    "CANARY-BED",
    "CANARY-ROOM",
    "CANARY-METHOD",
    "CANARY-DESTINATION",
    "CANARY-KIN",
    "CANARY-WARNING",
    "CANARY-STAY",
    "CANARY-FEED",
    "CANARY-BY",
    "CANARY-WORDS",
    "CANARY-OTHER",
    "CANARY-TOPIC",
    "CANARY-CARER",
    "9990000026",
    "CANARY-TIMES",
    "CANARY-FORMAT",
    "CANARY-LANGUAGE",
    "CANARY-SCHEME",
    "CANARY-PASSPORT",
    "CANARY-SERVICE",
    "datetime.date(1902, 3, 4)",
)
CENTRE_NEVER = (
    "CANARY",
    "CARER-GIVEN",
    "CARER-FAMILY",
    "9990000018",
    "M7A",
    "Ward 7A",
    "14:37",
    "1901",
    "1902",
    "1903",
    "1904",
    "daughter",
)

NOT_TO_SEE = [
    (a_task(TaskCode.INVOLVE_CARER, WARD), PATIENT_ONLY, "ward"),
    (a_task(TaskCode.REPAIR_MISSED, WARD), PATIENT_ONLY, "ward after the discharge"),
    (a_task(TaskCode.INVOLVE_CARER, COORDINATOR), PATIENT_ONLY, "coordinator of an unknown ward"),
    (
        a_task(TaskCode.CONFIRM_MATCH, COORDINATOR),
        (*PATIENT_ONLY, "CARER-GIVEN", "CANARY-VIEWS", "R-EXTERNAL-7"),
        "coordinator in doubt: the carer may be somebody else's",
    ),
    (
        a_task(TaskCode.BEREAVEMENT_SUPPORT, COORDINATOR, registration=None),
        (*PATIENT_ONLY, "CARER-GIVEN", "CANARY-VIEWS", "R-EXTERNAL-7"),
        "coordinator of a stay without a registration",
    ),
    (a_task(TaskCode.CONTACT_CARER, CENTRE), CENTRE_NEVER, "centre"),
    (
        a_task(TaskCode.CONTACT_CARER, CENTRE, status=TaskStatus.CANCELLED),
        (*CENTRE_NEVER, "Monklands", "November"),
        "centre, called off: neither where nor when",
    ),
    *(
        (a_notice(event), CENTRE_NEVER, f"centre: {event.value}")
        for event in (NoticeEvent.PLANNED, NoticeEvent.DATE_CHANGED, NoticeEvent.DISCHARGED)
    ),
    *(
        (
            a_notice(event, planned_on=None),
            (*CENTRE_NEVER, "Monklands", "died", "hidden", "restrict"),
            f"centre: {event.value}",
        )
        for event in (NoticeEvent.CANCELLED, NoticeEvent.WITHDRAWN)
    ),
    (
        a_notice(NoticeEvent.PLANNED, status=NoticeStatus.ENTERED_IN_ERROR),
        (*CENTRE_NEVER, "Monklands", "24"),
        "centre: wrong about the person",
    ),
]


@pytest.mark.parametrize(("alert", "never", "comment"), NOT_TO_SEE)
def test_nobody_sees_what_is_not_theirs(alert, never, comment):
    words = seen(alert)
    assert [secret for secret in never if secret in words] == [], comment


@pytest.mark.parametrize(
    "closed", [{"hiding": Hiding.LOCAL}, {"hiding": Hiding.NATIONAL}, {"sensitive": True}]
)
def test_a_restriction_takes_the_carer_off_the_wards_task_and_gives_no_reason(closed):
    telling = replace(TELLING, stay=replace(STAY, **closed))
    disclosed = disclose(a_task(TaskCode.INVOLVE_CARER, WARD), telling)
    assert isinstance(disclosed, DisclosedTask)
    assert (disclosed.carer, disclosed.registration_id) == (None, None)
    assert disclosed.note is not None
    assert disclosed.note.startswith("Speak to the patient alone.")


def test_a_ward_gets_what_it_works_with():
    disclosed = disclose(a_task(TaskCode.INVOLVE_CARER, WARD), TELLING)
    assert isinstance(disclosed, DisclosedTask)
    assert disclosed.patient == NHS
    assert (disclosed.visit, disclosed.place) == ("CANARY-VISIT", "L302H/M7A")
    assert disclosed.carer == "CARER-GIVEN CARER-FAMILY, daughter"
    assert disclosed.planned_on == date(2026, 11, 24)
    assert [f.words for f in disclosed.facts] == ["CANARY-VIEWS"]
    assert disclosed.owner.display == "Ward 7A, Monklands"
    assert disclosed.registration_id == "R-EXTERNAL-7"


NUMBERS = [
    ((NHS, LOCAL), NHS, "the NHS number"),
    ((LOCAL, Identifier(IdentifierKind.CHI, "0113500017")), None, "the CHI number"),
    ((NHS, replace(NHS, value="9990000026"), LOCAL), LOCAL, "two NHS numbers are none"),
    ((LOCAL, replace(LOCAL, value="second")), LOCAL, "the first local number"),
    ((), "none", "none at all"),
]


@pytest.mark.parametrize(("identifiers", "expected", "comment"), NUMBERS)
def test_the_patient_is_named_by_one_number(identifiers, expected, comment):
    patient = replace(STAY.patient, identifiers=identifiers)
    telling = replace(TELLING, stay=replace(STAY, patient=patient))
    disclosed = disclose(a_task(TaskCode.INVOLVE_CARER, WARD), telling)
    assert isinstance(disclosed, DisclosedTask)
    wanted = identifiers[-1] if expected is None else None if expected == "none" else expected
    assert disclosed.patient == wanted, comment


def test_a_centre_gets_hospital_hub_half_day_and_deadline():
    disclosed = disclose(a_task(TaskCode.CONTACT_CARER, CENTRE, focus="N1"), TELLING)
    assert isinstance(disclosed, DisclosedTask)
    assert disclosed.note == (
        "Left Monklands on Friday 20 November 2026, in the afternoon. "
        "Discharge hub 01698 000020. "
        "Please contact the carer by 17:00 on Tuesday 24 November 2026."
    )
    assert (disclosed.registration_id, disclosed.focus_notice) == ("R-EXTERNAL-7", "N1")
    assert disclosed.owner.display == "Lanarkshire Carers"


def test_an_uncertain_discharge_has_no_date():
    telling = replace(TELLING, stay=replace(STAY, doubts=(Doubt(DoubtKind.UNCERTAIN_DISCHARGE),)))
    disclosed = disclose(a_task(TaskCode.CONTACT_CARER, CENTRE, due_at=None), telling)
    assert isinstance(disclosed, DisclosedTask)
    assert disclosed.note == (
        "Left Monklands. Discharge hub 01698 000020. Please contact the carer."
    )


def test_an_uncertain_plan_is_not_shown():
    telling = replace(TELLING, stay=replace(STAY, doubts=(Doubt(DoubtKind.UNCERTAIN_PLAN),)))
    disclosed = disclose(a_task(TaskCode.INVOLVE_CARER, WARD), telling)
    assert isinstance(disclosed, DisclosedTask)
    assert disclosed.planned_on is None


HUB = "Hospital: Monklands. Discharge hub 01698 000020."
SENTENCES = [
    (NoticeEvent.PLANNED, ("Planned date of discharge: Tuesday 24 November 2026.", HUB)),
    (
        NoticeEvent.DATE_CHANGED,
        ("The planned date of discharge is now Tuesday 24 November 2026.", HUB),
    ),
    (
        NoticeEvent.DISCHARGED,
        ("Left hospital on Friday 20 November 2026, in the afternoon.", HUB),
    ),
    (
        NoticeEvent.CANCELLED,
        (
            "The notice of Friday 20 November 2026, 15:00 no longer holds: "
            "the discharge did not happen.",
        ),
    ),
    (
        NoticeEvent.WITHDRAWN,
        (
            "Do not act on our earlier notice. "
            "Ring the discharge hub before you contact this carer.",
            "Discharge hub 01698 000020.",
        ),
    ),
]


@pytest.mark.parametrize(("event", "sentences"), SENTENCES)
def test_a_notice_says_it_in_plain_sentences(event, sentences):
    earlier = a_notice(NoticeEvent.DISCHARGED, id="EARLIER")
    notice = a_notice(event, in_response_to=("EARLIER",))
    disclosed = disclose(notice, replace(TELLING, raised=(earlier,)))
    assert isinstance(disclosed, DisclosedNotice)
    assert disclosed.sentences == sentences


def test_a_correction_holds_without_the_earlier_notice_at_hand():
    words = seen(a_notice(NoticeEvent.CANCELLED, in_response_to=("EARLIER",)))
    assert "An earlier notice about this carer no longer holds" in words


def test_what_is_in_error_says_nothing_any_more():
    wrong = a_notice(NoticeEvent.PLANNED, status=NoticeStatus.ENTERED_IN_ERROR)
    disclosed = disclose(wrong, TELLING)
    assert isinstance(disclosed, DisclosedNotice)
    assert (disclosed.sentences, disclosed.planned_on) == ((), None)


def test_a_centre_is_not_told_why_a_task_ended():
    died = a_task(
        TaskCode.CONTACT_CARER, CENTRE, status=TaskStatus.CANCELLED, reason="the patient died"
    )
    assert "died" not in seen(died, replace(TELLING, stay=replace(STAY, died=True)))


def test_a_notice_keeps_its_subject_when_the_registration_is_gone():
    telling = replace(TELLING, registration=None)
    disclosed = disclose(a_notice(NoticeEvent.WITHDRAWN), telling)
    assert disclosed.registration_id == "R-EXTERNAL-7"


def test_refused_sharing_tells_the_ward_to_listen():
    telling = replace(TELLING, registration=replace(REGISTRATION, sharing=Sharing.REFUSED))
    assert "share nothing" in seen(a_task(TaskCode.INVOLVE_CARER, WARD), telling)
