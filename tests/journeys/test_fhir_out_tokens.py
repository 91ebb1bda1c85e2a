"""A token is had with a signed assertion, renewed in time, and nothing is sent without it."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import KeySet

from alerts.channels.assertion import SCOPE, Client, public_key_set
from alerts.channels.fhir_rest import FhirServer
from alerts.channels.smart import GivenToken, SmartTokens
from alerts.delivery import Accepted, Unavailable
from tests.support.fault_proxy import Fault, FaultProxy, answering
from tests.support.parcels import NOW, a_task_parcel, now

TASK = b'{"resourceType":"Task","id":"a","meta":{"versionId":"1"}}'
TAKES = answering(201, TASK, ETag='W/"1"')
KEY = (
    ec.generate_private_key(ec.SECP384R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@pytest.fixture
def hospital() -> Iterator[FaultProxy]:
    """A server that takes everything."""
    with FaultProxy() as opened:
        opened.always = TAKES
        yield opened


def granting(token: str, lasts: int = 300) -> Fault:
    said = {"access_token": token, "token_type": "bearer", "expires_in": lasts}
    return answering(200, json.dumps(said).encode(), Content_Type="application/json")


class Clock:
    """A time that tests set."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door() -> Iterator[FaultProxy]:
    """A token endpoint."""
    with FaultProxy() as opened:
        yield opened


@pytest.fixture
def server(hospital: FaultProxy, door: FaultProxy, clock: Clock) -> Iterator[FhirServer]:
    client = Client(f"{door.url}/token", "thinkcarer-client", KEY)
    server = FhirServer(hospital.url, SmartTokens(client, clock), clock)
    yield server
    server.close()


def shown(hospital: FaultProxy) -> list[str]:
    return [each.headers["Authorization"] for each in hospital.seen]


def test_a_token_is_asked_for_with_a_signed_assertion_and_shown(server, door, hospital):
    door.always = granting("first")
    assert isinstance(server.send(a_task_parcel()), Accepted)
    assert shown(hospital) == ["Bearer first"]
    form = {name: each for name, [each] in parse_qs(door.seen[0].body.decode()).items()}
    published = KeySet.import_key_set(json.loads(public_key_set(KEY)))
    claims = jwt.decode(form["client_assertion"], published, algorithms=["ES384"]).claims
    assert claims["aud"] == f"{door.url}/token"
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == SCOPE


@pytest.mark.parametrize(("lasts", "renewed_after"), [(300, 240), (60, 30), (90, 45)])
def test_a_token_is_renewed_before_it_runs_out(server, door, hospital, clock, lasts, renewed_after):
    door.script(granting("first", lasts), granting("second", lasts))
    for seconds in (0, renewed_after - 1, renewed_after):
        clock.at = NOW + timedelta(seconds=seconds)
        server.send(a_task_parcel())
    assert shown(hospital) == ["Bearer first", "Bearer first", "Bearer second"]


def test_a_token_that_is_not_taken_is_renewed_once(server, door, hospital):
    door.script(granting("first"), granting("second"))
    hospital.script(answering(401))
    assert isinstance(server.send(a_task_parcel()), Accepted)
    assert shown(hospital) == ["Bearer first", "Bearer second"]


def test_a_server_that_takes_no_token_stops_and_is_not_asked_in_circles(server, door, hospital):
    door.always, hospital.always = granting("same"), answering(401)
    assert server.send(a_task_parcel()) == Unavailable("401: our token is not taken")
    assert (len(hospital.seen), len(door.seen)) == (1, 2)


def test_four_carriers_ask_for_one_token(server, door, hospital):
    door.always = granting("first")
    door.script(Fault(delay=0.3, status=200, body=granting("first").body))
    with ThreadPoolExecutor(4) as carriers:
        receipts = list(carriers.map(server.send, [a_task_parcel() for _ in range(4)]))
    assert all(isinstance(each, Accepted) for each in receipts)
    assert len(door.seen) == 1


def test_four_carriers_share_one_failure(server, door, hospital):
    door.always = Fault(delay=0.3, status=500)
    with ThreadPoolExecutor(4) as carriers:
        receipts = list(carriers.map(server.send, [a_task_parcel() for _ in range(4)]))
    assert receipts == [Unavailable("no token: the token endpoint answers 500")] * 4
    assert len(door.seen) < 4
    assert hospital.seen == []


FAILURES = [
    # what the token endpoint says, what is told of it, when it may be asked again
    (answering(503, Retry_After="60"), "answers 503", NOW + timedelta(minutes=1)),
    (answering(400, b'{"error":"invalid_client"}'), "answers 400 invalid_client", None),
    (
        answering(400, b'{"error":"it was Ann Smith","error_description":"Ann"}'),
        "answers 400",
        None,
    ),
    (answering(200, b"<html>"), "answers is none", None),
    (answering(200, b'{"access_token":"a b","token_type":"bearer"}'), "answers is none", None),
    (answering(200, b'{"access_token":"a\\r\\nX: y","token_type":"bearer"}'), "is none", None),
    (answering(200, b'{"access_token":"a","token_type":"mac"}'), "not a bearer token", None),
    (answering(302, Location="http://127.0.0.1:1/"), "answers 302", None),
]


@pytest.mark.parametrize(("said", "why", "at"), FAILURES)
def test_without_a_token_nothing_is_sent(server, door, hospital, said, why, at):
    door.always = said
    receipt = server.send(a_task_parcel())
    assert isinstance(receipt, Unavailable)
    assert why in receipt.why
    assert "Ann" not in receipt.why
    assert receipt.at == at
    assert hospital.seen == []


def test_a_token_endpoint_that_is_down_stops_the_destination(server, door, hospital):
    door.refuse()
    assert server.send(a_task_parcel()) == Unavailable("no token: no connection")
    door.accept()
    door.always = granting("first")
    assert isinstance(server.send(a_task_parcel()), Accepted)


def test_a_given_token_is_shown_and_never_printed(hospital, caplog):
    caplog.set_level(logging.INFO)
    token = GivenToken("secret-token")
    server = FhirServer(hospital.url, token, now)
    server.send(a_task_parcel())
    hospital.script(answering(401))
    receipt = server.send(a_task_parcel())
    server.close()
    assert shown(hospital)[0] == "Bearer secret-token"
    assert receipt == Unavailable("401: our token is not taken")
    assert "secret" not in f"{caplog.text}{token!r}{server!r}{vars(server)!r}"
