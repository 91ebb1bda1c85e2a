"""Answers of a FHIR server, addresses that may be dialled, tokens: without a network."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jwt
from joserfc.jwk import KeySet

from alerts.channels.assertion import Client, KeyInvalid, key_of, public_key_set, signed_assertion
from alerts.channels.dialling import (
    DialRefused,
    NameNotResolved,
    check,
    checked_address,
    is_loopback,
    place_of,
)
from alerts.channels.exchange import Answer, wait_told
from alerts.channels.fhir_answers import UNVERSIONED, Contested, Elsewhere, Unproven, judged
from alerts.delivery import Accepted, Refused, Unavailable

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
TASK = b'{"resourceType":"Task","id":"a","meta":{"versionId":"3"}}'
OUTCOME = b'{"resourceType":"OperationOutcome","issue":[]}'
HTML = b"<html>Please sign in</html>"


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


TAKEN = [
    # the answer, what is kept of it
    (answer(201, TASK, etag='W/"1"'), Accepted("201 version 1", 'W/"1"')),
    (answer(200, TASK), Accepted("200 version 3", 'W/"3"')),  # the version from the resource
    (answer(200, b"", etag='W/"2"'), Accepted("200 version 2", 'W/"2"')),  # return=minimal
    (answer(204, b"", etag='"2"'), Accepted("204 version 2", '"2"')),  # a strong ETag, as sent
    (answer(200, OUTCOME, etag='W/"2"'), Accepted("200 version 2", 'W/"2"')),
    (
        answer(201, b"", location="https://x.example/fhir/Task/a/_history/9"),
        Accepted("201 version 9", 'W/"9"'),
    ),
    (answer(201, b"", location="https://x.example/fhir/Task/a"), Accepted("201", UNVERSIONED)),
    (answer(200, b'{"resourceType":"Task"}'), Accepted("200", UNVERSIONED)),  # no versions there
    (answer(200, TASK, etag='W/"1"\r\nX: y'), Accepted("200 version 3", 'W/"3"')),  # no ETag
]


@pytest.mark.parametrize(("said", "kept"), TAKEN)
def test_what_was_taken_is_kept_with_its_version(said, kept):
    assert judged(said, "Task", NOW) == kept


UNPROVEN = [
    answer(200, HTML),  # a captive portal
    answer(200, HTML, etag='W/"1"'),
    answer(200, OUTCOME),
    answer(200),
    answer(202),
    answer(200, b'{"resourceType":"Communication"}'),
    answer(200, b'["Task"]'),
    answer(200, b"[" * 100_000),
    Answer(200, {}, TASK, is_cut=True),
]


@pytest.mark.parametrize("said", UNPROVEN)
def test_what_does_not_show_a_fhir_server_is_not_believed(said):
    assert isinstance(judged(said, "Task", NOW), Unproven)


UNAVAILABLE = [
    answer(301, location="https://elsewhere.example/"),
    answer(307, location="https://elsewhere.example/"),
    *(answer(status) for status in (401, 403, 408, 429, 500, 501, 502, 503, 504, 418)),
]


@pytest.mark.parametrize("said", UNAVAILABLE)
def test_what_is_no_answer_to_this_version_stops_the_destination(said):
    verdict = judged(said, "Task", NOW)
    assert isinstance(verdict, Unavailable)
    assert str(said.status) in verdict.why
    assert "elsewhere.example" not in verdict.why
    assert verdict.at is None


@pytest.mark.parametrize("status", [400, 410, 413, 415, 422])
def test_what_is_said_about_the_version_itself_is_a_refusal(status):
    assert judged(answer(status, HTML), "Task", NOW) == Refused(f"the server refuses it: {status}")


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_looked_into(status):
    assert judged(answer(status), "Task", NOW) == Contested(status)


@pytest.mark.parametrize("status", [404, 405])
def test_no_such_place_is_looked_into(status):
    assert judged(answer(status), "Task", NOW) == Elsewhere(status)


def test_a_refusal_tells_codes_and_places_but_no_texts():
    issue = {
        "severity": "error",
        "code": "code-invalid",
        "diagnostics": "Ann Smith is not a status",
        "details": {"text": "Ann Smith"},
        "expression": ["Task.status", "Task.input[0].value", "Ann Smith", "Task.where(x='Ann')"],
    }
    body = json.dumps(
        {"resourceType": "OperationOutcome", "issue": [issue, issue, "Ann", {"code": "Ann Smith"}]}
    )
    assert judged(answer(422, body.encode()), "Task", NOW) == Refused(
        "the server refuses it: 422; code-invalid Task.status Task.input[0].value"
    )


WAITS = [
    ("120", NOW + timedelta(minutes=2)),
    ("0", NOW),
    (format_datetime(NOW + timedelta(minutes=5), usegmt=True), NOW + timedelta(minutes=5)),
    (format_datetime(NOW - timedelta(minutes=5), usegmt=True), None),  # over already
    ("99999999999", NOW + timedelta(days=1)),  # nobody waits for ever
    (format_datetime(NOW + timedelta(days=900), usegmt=True), NOW + timedelta(days=1)),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("٣", None),
]


@pytest.mark.parametrize(("told", "until"), WAITS)
def test_a_server_may_say_when_to_come_again(told, until):
    assert wait_told(answer(503, retry_after=told), NOW) == until


REFUSED = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0"),  # link-local
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),  # the same, wrapped
    *("224.0.0.1", "ff02::1", "::ffff:224.0.0.1"),  # multicast
    *("0.0.0.0", "::", "0.0.0.1", "::ffff:0.0.0.0"),  # noqa: S104
    *("240.0.0.1", "255.255.255.255", "4000::1"),  # reserved
    *("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"),  # this machine, behind a name
    *("fd00:ec2::254", "100.100.100.200", "168.63.129.16"),  # where clouds hand out keys
]
ALLOWED = [
    *("10.1.2.3", "172.16.4.5", "192.168.6.7", "fd12:3456::1"),  # hospitals live there
    *("93.184.216.34", "2606:2800:220:1::1", "100.64.1.1"),
    *("::ffff:10.1.2.3", "64:ff9b::5db8:d822"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_where_no_receiver_can_be_is_not_dialled(address):
    with pytest.raises(DialRefused):
        check(ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_any_other_address_may_be_dialled(address):
    check(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_this_machine_is_dialled_where_somebody_wrote_just_that(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost.example", ""])
def test_what_only_leads_to_this_machine_is_not_written_so(host):
    assert not is_loopback(host)


def test_what_was_written_as_this_machine_leads_nowhere_else():
    with pytest.raises(DialRefused):
        check(ip_address("10.1.2.3"), is_loopback_meant=True)


def test_an_address_that_is_written_needs_no_name_server():
    assert checked_address("127.0.0.1", 443) == ("127.0.0.1", 443)
    assert checked_address("10.1.2.3", 443) == ("10.1.2.3", 443)


@pytest.mark.parametrize("host", ["127.1", "2130706433"])
def test_other_spellings_of_this_machine_are_found_out(host):
    with pytest.raises((DialRefused, NameNotResolved)):
        checked_address(host, 443)


URLS = [
    # written, refused with
    ("http://fhir.example/r4", "plain http"),
    ("http://[fd12:3456::1]/r4", "plain http"),
    ("https://user:secret@fhir.example/", "more than host"),
    ("https://fhir.example/r4?key=1", "more than host"),
    ("https://fhir.example/r4#x", "more than host"),
    ("https:///r4", "no host"),
    ("ftp://fhir.example/", "not an http"),
    ("https://fhir.example:99999/", "not an http"),
    ("", "not an http"),
]


@pytest.mark.parametrize(("url", "why"), URLS)
def test_a_url_that_nothing_may_be_sent_to_is_refused_as_it_is_read(url, why):
    with pytest.raises(DialRefused, match=why) as refusal:
        place_of(url)
    assert "secret" not in str(refusal.value)


PLACES = [
    ("https://fhir.example/r4", "fhir.example"),
    ("https://fhir.example:443/r4", "fhir.example"),
    ("https://fhir.example:8443/r4", "fhir.example:8443"),
    ("http://[::1]:8080/fhir", "[::1]:8080"),
    ("https://bücher.example/", "xn--bcher-kva.example"),
]


@pytest.mark.parametrize(("url", "authority"), PLACES)
def test_the_host_is_named_as_http_wants_it(url, authority):
    assert place_of(url).authority == authority


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> str:
    encryption = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


P384 = pem(ec.generate_private_key(ec.SECP384R1()))
RSA = pem(rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(("key", "algorithm"), [(P384, "ES384"), (RSA, "RS384")])
def test_an_assertion_says_who_we_are_for_minutes_and_once(key, algorithm):
    client = Client("https://auth.example/token", "thinkcarer-client", key)
    published = KeySet.import_key_set(json.loads(public_key_set(key)))
    assertions = [signed_assertion(client, key_of(key), NOW) for _ in range(2)]
    told = [jwt.decode(each, published, algorithms=[algorithm]) for each in assertions]
    claims = told[0].claims
    assert claims["iss"] == claims["sub"] == "thinkcarer-client"
    assert claims["aud"] == "https://auth.example/token"
    assert NOW.timestamp() < claims["exp"] <= NOW.timestamp() + 300
    assert claims["jti"] != told[1].claims["jti"]
    assert told[0].header["kid"] == published.keys[0].kid


@pytest.mark.parametrize("key", [P384, RSA])
def test_what_is_published_holds_no_private_half(key):
    published = json.loads(public_key_set(key))["keys"][0]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(published)


BAD_KEYS = [
    "",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    pem(ec.generate_private_key(ec.SECP256R1())),
    pem(ed25519.Ed25519PrivateKey.generate()),
    pem(ec.generate_private_key(ec.SECP384R1()), BestAvailableEncryption(b"x")),
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_nothing_can_be_signed_with_is_refused(key):
    with pytest.raises(KeyInvalid):
        key_of(key)


def test_nothing_secret_is_in_what_is_printed():
    client = Client("https://auth.example/token", "thinkcarer-client", P384)
    assert "PRIVATE" not in repr(client)
