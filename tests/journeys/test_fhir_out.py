"""A hospital's FHIR server that fails in every way: no Task is lost, doubled or sent elsewhere."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import count

import pytest

from alerts.channels.exchange import Limits
from alerts.channels.fhir_rest import FhirServer
from alerts.delivery import Accepted, Parcel, Receipt, Refused, Unavailable
from tests.support.fault_proxy import LOST, SILENT, Fault, FaultProxy, answering
from tests.support.fhir_server import FhirServer as Hospital
from tests.support.parcels import NOW, a_notice_parcel, a_task_parcel, an_id, now
from tests.support.services import fhir_url

PATIENT = Limits(connect=5, read=20)


@pytest.fixture(scope="module")
def hospital() -> Iterator[Hospital]:
    """The real server, with its validator warm."""
    with Hospital(fhir_url()) as opened:
        opened.put(a_task_parcel().payload)
        yield opened


@pytest.fixture
def proxy(hospital: Hospital) -> Iterator[FaultProxy]:
    with FaultProxy(fhir_url()) as opened:
        yield opened


@pytest.fixture
def server(proxy: FaultProxy) -> Iterator[FhirServer]:
    yield from opened(proxy.url)


def opened(url: str, limits: Limits = PATIENT) -> Iterator[FhirServer]:
    server = FhirServer(url, None, now, limits=limits)
    yield server
    server.close()


def versions(hospital: Hospital, parcel: Parcel) -> list[str]:
    return [each["meta"]["versionId"] for each in hospital.history(parcel.kind, parcel.alert)]


def sent_until_taken(server: FhirServer, parcel: Parcel) -> list[Receipt]:
    receipts = [server.send(parcel)]
    while not isinstance(receipts[-1], Accepted):
        assert len(receipts) < 20
        receipts.append(server.send(parcel))
    return receipts


def test_what_is_sent_is_there_as_it_was_sent(server, proxy, hospital):
    for parcel in (a_task_parcel(), a_notice_parcel()):
        assert server.send(parcel) == Accepted("201 version 1", 'W/"1"')
        assert hospital.holds(parcel.payload)
    put = proxy.requests("PUT")[0]
    assert put.headers["If-None-Match"] == "*"
    assert put.headers["Content-Type"] == "application/fhir+json"


def test_each_version_follows_the_one_before(server, proxy, hospital):
    first = a_task_parcel()
    taken = server.send(first)
    second = a_task_parcel(first.alert, etag=taken.etag, urgent=True)
    assert server.send(second) == Accepted("200 version 2", 'W/"2"')
    assert proxy.requests("PUT")[1].headers["If-Match"] == 'W/"1"'
    assert hospital.holds(second.payload)


def test_a_burst_of_failures_loses_nothing_and_doubles_nothing(server, proxy, hospital):
    parcel = a_task_parcel()
    statuses = [500, 502, 503, 504] * 2
    proxy.script(*map(answering, statuses))
    *failures, last = sent_until_taken(server, parcel)
    assert [type(each) for each in failures] == [Unavailable] * len(statuses)
    assert [int(each.why[:3]) for each in failures] == statuses
    assert last == Accepted("201 version 1", 'W/"1"')
    assert versions(hospital, parcel) == ["1"]


LATER = NOW + timedelta(minutes=7)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "at"),
    [
        ({"Retry_After": "420"}, LATER),
        ({"Retry_After": format_datetime(LATER, usegmt=True)}, LATER),
        ({}, None),
    ],
)
def test_a_server_that_says_when_is_left_alone_until_then(server, proxy, status, told, at):
    proxy.script(answering(status, **told))
    receipt = server.send(a_task_parcel())
    assert isinstance(receipt, Unavailable)
    assert receipt.at == at


def test_an_answer_lost_after_the_commit_is_found_there(server, proxy, hospital):
    parcel = a_task_parcel()
    proxy.script(LOST)
    receipt = server.send(parcel)
    assert isinstance(receipt, Accepted)
    assert receipt.etag == 'W/"1"'
    assert "but it is there" in receipt.answer
    assert versions(hospital, parcel) == ["1"]


def test_an_answer_that_never_comes_is_found_there(proxy, hospital):
    parcel = a_task_parcel()
    proxy.script(SILENT)
    for server in opened(proxy.url, Limits(connect=5, read=5)):
        assert server.send(parcel) == Accepted("no answer in time, but it is there", 'W/"1"')
    assert versions(hospital, parcel) == ["1"]


def test_an_answer_cut_in_the_middle_is_found_there(server, proxy, hospital):
    first = a_task_parcel()
    proxy.script(Fault(method="PUT", cut=0), Fault(method="GET", cut=10))
    assert isinstance(server.send(first), Accepted | Unavailable)
    assert isinstance(sent_until_taken(server, first)[-1], Accepted)
    assert versions(hospital, first) == ["1"]


def test_a_question_that_was_lost_is_asked_again(server, proxy, hospital):
    parcel = a_task_parcel()
    proxy.script(Fault(method="PUT", is_lost=True, is_kept=True))
    assert isinstance(server.send(parcel), Unavailable)
    assert server.send(parcel) == Accepted("201 version 1", 'W/"1"')


def test_a_process_that_died_before_noting_the_answer_doubles_nothing(server, hospital):
    first = a_task_parcel()
    assert server.send(first).etag == server.send(first).etag == 'W/"1"'
    second = a_task_parcel(first.alert, etag='W/"1"', urgent=True)
    assert server.send(second).etag == server.send(second).etag == 'W/"2"'
    assert versions(hospital, first) == ["2", "1"]


def test_with_every_fifth_answer_lost_each_task_is_there_once(server, proxy, hospital):
    parcels = [a_task_parcel() for _ in range(24)]
    asked = count(1)
    proxy.chance = lambda: LOST if next(asked) % 5 == 0 else None
    with ThreadPoolExecutor(4) as carriers:
        receipts = list(carriers.map(lambda parcel: sent_until_taken(server, parcel), parcels))
    assert any("but it is there" in each.answer for (*_, each) in receipts)
    assert [versions(hospital, parcel) for parcel in parcels] == [["1"]] * len(parcels)


def test_a_wrong_code_is_refused_at_once_and_nothing_of_it_is_quoted(server, proxy):
    parcel = a_task_parcel()
    wrong = replace(parcel, payload=parcel.payload.replace('"requested"', '"Ann-Smith"'))
    receipt = server.send(wrong)
    assert isinstance(receipt, Refused)
    assert receipt.why.startswith("the server refuses it: 422; ")
    assert "Task.status" in receipt.why
    assert "Smith" not in receipt.why
    assert len(proxy.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_taken_stops_the_destination_alone(server, proxy, status):
    proxy.script(answering(status))
    receipt = server.send(a_task_parcel())
    assert isinstance(receipt, Unavailable)
    assert receipt.why.startswith(f"{status}: ")


def test_a_page_instead_of_an_answer_is_no_answer(server, proxy, hospital):
    parcel = a_task_parcel()
    page = b"<html><title>Sign in to the guest network</title></html>"
    proxy.script(answering(200, page, Content_Type="text/html"))
    receipt = server.send(parcel)
    assert isinstance(receipt, Unavailable)
    assert "guest" not in receipt.why
    assert versions(hospital, parcel) == []


def test_a_wrong_base_url_gives_nothing_up(proxy):
    for server in opened(f"{proxy.url}/r4"):
        receipt = server.send(a_task_parcel())
    assert receipt == Unavailable("404: no FHIR server answers at that URL")


def test_a_kind_that_the_server_does_not_know_is_refused(server):
    parcel = a_task_parcel()
    unknown = replace(parcel, kind="Basic", payload=json.dumps({"resourceType": "Basic"}))
    receipt = server.send(unknown)
    assert isinstance(receipt, Refused)
    assert "404" in receipt.why


def test_a_server_that_lost_what_it_had_gets_it_anew(server, hospital):
    parcel = a_task_parcel(etag='W/"7"')
    assert server.send(parcel) == Accepted("201 version 1", 'W/"1"')


def test_a_server_that_answers_with_nothing_at_all_is_looked_at(server, proxy, hospital):
    proxy.always = Fault(drop=("etag", "location", "if-match", "if-none-match"))
    first = a_task_parcel()
    taken = server.send(first)
    assert isinstance(taken, Accepted)
    assert taken.etag == 'W/"1"', "from the resource, as it names no other"
    second = a_task_parcel(first.alert, etag=taken.etag, urgent=True)
    assert isinstance(server.send(second), Accepted)
    assert hospital.holds(second.payload)


def test_a_server_without_versions_is_written_to_without_condition():
    with FaultProxy() as proxy:
        proxy.always = answering(200, b'{"resourceType":"Task","id":"a"}')
        for server in opened(proxy.url):
            taken = server.send(a_task_parcel())
            assert taken == Accepted("200", "*")
            server.send(a_task_parcel(etag="*"))
        headers = [each.headers for each in proxy.requests("PUT")]
    assert "If-None-Match" in headers[0]
    assert not {"If-None-Match", "If-Match"} & set(headers[1])


def test_an_endless_answer_is_not_read_to_its_end():
    with FaultProxy() as proxy:
        proxy.always = answering(200, b'{"resourceType":"Task","x":"' + b"y" * 3_000_000 + b'"}')
        for server in opened(proxy.url):
            receipt = server.send(a_task_parcel())
    assert isinstance(receipt, Unavailable)


def test_an_answer_in_drops_does_not_hold_a_carrier():
    with FaultProxy() as proxy:
        proxy.always = replace(answering(200, b"x" * 1000), drip=0.05)
        for server in opened(proxy.url, Limits(connect=0.2, read=0.5)):
            began = time.monotonic()
            assert isinstance(server.send(a_task_parcel()), Unavailable)
            assert time.monotonic() - began < 5


def test_a_server_that_is_down_is_waited_for(server, proxy, hospital):
    parcel = a_task_parcel()
    proxy.refuse()
    assert server.send(parcel) == Unavailable("no connection")
    proxy.accept()
    assert server.send(parcel) == Accepted("201 version 1", 'W/"1"')


def test_closing_ends_a_send_that_waits(proxy, hospital):
    proxy.script(Fault(delay=60))
    receipts: list[Receipt] = []
    server = FhirServer(proxy.url, None, now)
    waiting = threading.Thread(target=lambda: receipts.append(server.send(a_task_parcel())))
    waiting.start()
    while not proxy.seen:
        time.sleep(0.01)
    server.close()
    waiting.join(5)
    assert [type(each) for each in receipts] == [Unavailable]
    assert isinstance(server.send(a_task_parcel(an_id())), Unavailable)
