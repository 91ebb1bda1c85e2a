"""A notice names the centre's own registration and what happened, and nothing of the patient."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from alerts.model.alert import NoticeStatus
from alerts.model.site import NoticeEvent
from mapping.fhir.communication import render
from mapping.fhir.systems import Claims
from tests.support.disclosed import EARLIER, NOTICE, a_notice

ID = "https://thinkcarer.example/Id"


def rendered(**changes: object) -> dict:
    return json.loads(render(a_notice(**changes), Claims()))


def test_a_centre_reads_the_whole_notice() -> None:
    body = rendered(in_response_to=(EARLIER,))
    text = body.pop("text")
    assert body == {
        "resourceType": "Communication",
        "id": NOTICE,
        "inResponseTo": [{"reference": f"Communication/{EARLIER}"}],
        "status": "completed",
        "category": [
            {
                "coding": [
                    {
                        "system": "https://thinkcarer.example/CodeSystem/carer-event",
                        "code": "discharged",
                    }
                ],
                "text": "Left hospital",
            },
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/communication-category",
                        "code": "notification",
                    }
                ]
            },
        ],
        "subject": {
            "type": "Patient",
            "identifier": {"system": f"{ID}/registration", "value": "LANCARERS-1"},
        },
        "sent": "2026-11-22T15:05:00.123Z",
        "recipient": [
            {
                "type": "Organization",
                "identifier": {"system": f"{ID}/centre", "value": "LANCARERS"},
                "display": "Lanarkshire Carers (synthetic)",
            }
        ],
        "sender": {
            "type": "Device",
            "identifier": {"system": f"{ID}/software", "value": "thinkcarer"},
            "display": "ThinkCarer",
        },
        "payload": [
            {"contentString": "Left hospital on 22 November 2026."},
            {"contentString": "Discharge hub 01698 000020."},
        ],
    }
    assert "Left hospital on 22 November 2026." in text["div"]


@pytest.mark.parametrize("event", NoticeEvent)
def test_the_event_is_the_first_coding_of_the_first_category(event: NoticeEvent) -> None:
    assert rendered(event=event)["category"][0]["coding"][0]["code"] == event.value


@pytest.mark.parametrize("status", NoticeStatus)
def test_a_status_is_r4s(status: NoticeStatus) -> None:
    assert rendered(status=status)["status"] == status.value


def test_the_time_of_the_decision_has_milliseconds_and_is_utc() -> None:
    summer = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert rendered(sent_at=summer)["sent"] == "2026-06-30T23:30:00.000Z"


def test_a_sentence_that_says_nothing_is_left_out() -> None:
    assert rendered(sentences=("", " \n", "Left."))["payload"] == [{"contentString": "Left."}]
    assert "payload" not in rendered(sentences=())


def test_drafts_are_claimed_only_where_the_site_says_so() -> None:
    assert "meta" not in rendered()
    claimed = json.loads(render(a_notice(), Claims(draft=True)))["meta"]["profile"]
    assert claimed == ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Communication"]
