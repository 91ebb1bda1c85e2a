"""Where nothing is sent: to other addresses, to wrong names, where a redirect points."""

import socket
import ssl
from collections.abc import Callable, Iterator

import pytest
import trustme

from alerts.channels.dialling import DialRefused
from alerts.channels.fhir_rest import FhirServer
from alerts.delivery import Accepted, Unavailable
from tests.support.fault_proxy import FaultProxy, answering
from tests.support.parcels import a_task_parcel, now

TASK = b'{"resourceType":"Task","id":"a","meta":{"versionId":"1"}}'
TAKES = answering(201, TASK, ETag='W/"1"')


@pytest.fixture
def hospital() -> Iterator[FaultProxy]:
    """A server that takes everything."""
    with FaultProxy() as opened:
        opened.always = TAKES
        yield opened


def sent_to(url: str, tls: ssl.SSLContext | None = None) -> object:
    server = FhirServer(url, None, now, tls)
    receipt = server.send(a_task_parcel())
    server.close()
    return receipt


# Addresses


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:a9fe:a9fe]", "0.0.0.0"])  # noqa: S104
def test_an_address_of_no_receiver_is_never_dialled(host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", never_dialled)
    assert sent_to(f"https://{host}/fhir") == Unavailable(
        "the name leads to an address where no receiver can be"
    )


def never_dialled(*address: object) -> None:
    raise AssertionError(f"dialled {address}")


def test_a_name_that_leads_to_this_machine_is_never_dialled(hospital):
    receipt = sent_to(f"https://127.1:{hospital.port}/fhir")
    assert receipt == Unavailable("the name leads to this machine itself")
    assert hospital.connections == 0


def test_a_name_that_turns_to_this_machine_later_is_not_followed(hospital, monkeypatch):
    asked = resolver(monkeypatch, "fhir.example", [["127.0.0.1"], ["93.184.216.34", "::1"]])
    for _ in range(2):
        receipt = sent_to(f"https://fhir.example:{hospital.port}/fhir")
        assert receipt == Unavailable("the name leads to this machine itself")
    assert len(asked) == 2
    assert hospital.connections == 0


def test_the_address_that_was_judged_is_the_one_that_is_dialled(hospital, monkeypatch):
    asked = resolver(monkeypatch, "localhost", [["127.0.0.1"], ["169.254.169.254"]])
    assert isinstance(sent_to(f"http://localhost:{hospital.port}/fhir"), Accepted)
    assert len(asked) == 1, "a second look could give another address"


def test_a_name_without_an_address_is_waited_for(monkeypatch):
    resolver(monkeypatch, "fhir.example", [])
    assert sent_to("https://fhir.example/fhir") == Unavailable("the name has no address")


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent():
    with pytest.raises(DialRefused):
        sent_to("http://fhir.example/fhir")


def resolver(
    monkeypatch: pytest.MonkeyPatch, name: str, answers: list[list[str]]
) -> list[tuple[object, ...]]:
    """A name server that gives one name other addresses each time; returns what it was asked."""
    real: Callable[..., object] = socket.getaddrinfo
    asked: list[tuple[object, ...]] = []

    def resolve(host: object, port: object, *rest: object, **more: object) -> object:
        if host != name:
            return real(host, port, *rest, **more)
        asked.append((host, port))
        if len(asked) > len(answers):
            raise socket.gaierror
        return [(0, 0, 0, "", (address, port)) for address in answers[len(asked) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_redirect_is_not_followed(hospital):
    with FaultProxy() as elsewhere:
        for status in (301, 302, 307, 308):
            hospital.script(answering(status, Location=f"{elsewhere.url}/Task/a"))
            receipt = sent_to(hospital.url)
            assert isinstance(receipt, Unavailable)
            assert receipt.why.startswith(f"{status}: ")
        assert elsewhere.connections == 0


# Certificates


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize(("name", "is_right"), [("127.0.0.1", True), ("elsewhere.example", False)])
def test_the_certificate_must_be_for_the_name_that_was_written(ca, name, is_right):
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(served)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    with FaultProxy(tls=served) as proxy:
        proxy.always = TAKES
        receipt = sent_to(proxy.url, trusting)
        if is_right:
            assert isinstance(receipt, Accepted)
        else:
            assert isinstance(receipt, Unavailable)
            assert receipt.why.startswith("TLS: ")
            assert proxy.seen == [], "nothing was said to a stranger"


def test_a_certificate_of_nobody_we_trust_gets_nothing(ca):
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(served)
    with FaultProxy(tls=served) as proxy:
        receipt = sent_to(proxy.url)
        assert isinstance(receipt, Unavailable)
        assert receipt.why.startswith("TLS: ")
        assert proxy.seen == []
