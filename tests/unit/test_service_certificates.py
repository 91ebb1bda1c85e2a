"""Certificates run out: who is told, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.model.site import Feed
from service.certificates import (
    Certificate,
    CertificateUnreadable,
    expired,
    expiries,
    expiring,
    has_revoked,
    leaf_of,
)
from service.settings import Settings
from service.tls import (
    certificates_of,
    faults_of,
    own_certificate,
    warnings_of,
    why_no_probe,
)
from tests.support.authority import NOW, Authority, Pair
from tests.support.desk import a_site

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TOLD = "Certificate mllp expires on 2 December 2026: put a new one in its place and start again."
TOO_LATE = (
    "Certificate mllp expired on 2 November 2026: put a new one in its place and start again."
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize(
    ("left", "faults", "warnings", "comment"),
    [
        (timedelta(days=31), (), (), "a month and a day"),
        (timedelta(days=30, seconds=1), (), (), "just before notice is given"),
        (timedelta(days=30), (), (TOLD,), "30 days"),
        (timedelta(0), (TOO_LATE,), (), "now"),
    ],
)
def test_a_certificate_near_its_end(
    left: timedelta, faults: tuple[str, ...], warnings: tuple[str, ...], comment: str
) -> None:
    found = (Certificate("mllp", NOON + left),)
    assert expired(found, NOON) == faults, comment
    assert expiring(found, NOON) == warnings, comment


def test_one_that_runs_out_this_second_is_told_once() -> None:
    found = (Certificate("mllp", NOON + timedelta(seconds=1)),)
    assert (expired(found, NOON), len(expiring(found, NOON))) == ((), 1)


def test_the_first_certificate_of_a_chain_to_run_out_counts(authority: Authority) -> None:
    long, short = authority.issue("long.example"), authority.issue("short.example", days=5)
    both = authority.folder / "both.pem"
    both.write_bytes(long.cert.read_bytes() + short.cert.read_bytes())
    (found,) = expiries({"mllp": both})
    assert found.name == "mllp"
    assert abs(found.expires_at - NOW - timedelta(days=5)) < timedelta(seconds=2)
    assert leaf_of(both) == leaf_of(long.cert) != leaf_of(short.cert)


def test_of_two_roots_the_last_to_run_out_counts(authority: Authority) -> None:
    old, new = authority.root(days=-5), authority.root(days=50)
    both = authority.folder / "roots.pem"
    both.write_bytes(new + old)
    (found,) = expiries({"mllp-client-ca": both})
    assert abs(found.expires_at - NOW - timedelta(days=50)) < timedelta(seconds=2)
    both.write_bytes(new + old + authority.issue("leaf.example", days=5).cert.read_bytes())
    (found,) = expiries({"mllp": both})
    assert abs(found.expires_at - NOW - timedelta(days=5)) < timedelta(seconds=2)


def test_a_list_of_what_is_revoked_has_an_end_of_its_own(authority: Authority) -> None:
    file = authority.ca_file_revoking(days=7)
    certificates = expiries({"mllp-client-ca": file})
    assert [each.name for each in certificates] == ["mllp-client-ca", "mllp-client-ca-crl"]
    assert expiring(certificates, NOW + timedelta(days=5, hours=23)) == ()
    assert len(expiring(certificates, NOW + timedelta(days=6, hours=1))) == 1
    assert len(expired(certificates, NOW + timedelta(days=8))) == 1
    assert has_revoked(file)
    assert not has_revoked(authority.ca_file)


@pytest.mark.parametrize("content", [b"", b"not PEM", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.pem"
    file.write_bytes(content)
    with pytest.raises(CertificateUnreadable, match=r"bad\.pem"):
        expiries({"mllp": file})


def test_a_file_that_is_gone_and_a_list_that_is_broken_are_named(authority: Authority) -> None:
    with pytest.raises(CertificateUnreadable, match="cannot be read"):
        expiries({"mllp": authority.folder / "gone.pem"})
    file = authority.folder / "broken.pem"
    crl = b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
    file.write_bytes(authority.ca_file.read_bytes() + crl)
    with pytest.raises(CertificateUnreadable, match="CRL"):
        expiries({"mllp-client-ca": file})


def test_the_files_that_are_set_are_the_ones_that_count(authority: Authority) -> None:
    settings = authority.settings()
    assert [each.name for each in certificates_of(settings)] == ["mllp", "mllp-client-ca"]
    assert own_certificate(settings) == leaf_of(authority.server.cert)
    assert certificates_of(Settings()) == ()
    assert own_certificate(Settings()) == b""


def test_a_certificate_that_ran_out_is_a_fault(authority: Authority) -> None:
    settings = authority.settings()
    assert faults_of(settings, a_site(), NOW) == ()
    (fault,) = faults_of(settings, a_site(), NOW + timedelta(days=91))
    assert fault.startswith("Certificate mllp expired on ")


def test_names_that_nobody_is_asked_for_are_a_fault(authority: Authority) -> None:
    site = a_site(feeds=(Feed("pas", certificate_names=("pas.example",)), Feed("itk")))
    (fault,) = faults_of(Settings(), site, NOW)
    assert fault.startswith("Feed pas lists certificate_names")
    assert faults_of(authority.settings(), site, NOW) == ()


@pytest.mark.parametrize(
    ("general", "own", "is_warned", "comment"),
    [
        ("127.0.0.1", None, False, "this machine alone"),
        ("::1", "localhost", False, "also by its other names"),
        ("0.0.0.0", None, True, "every network"),  # noqa: S104
        ("127.0.0.1", "10.0.0.1", True, "a feed's own address"),
    ],
)
def test_plain_mllp_over_a_network_is_warned_of(
    general: str, own: str | None, is_warned: bool, comment: str
) -> None:
    feed = Feed("pas", address=(own, 2576) if own else None)
    found = warnings_of(Settings(mllp_address=(general, 2575)), a_site(feeds=(feed,)), NOW)
    assert any("unprotected" in each for each in found) == is_warned, comment


def test_tls_over_a_network_is_not_warned_of_before_its_certificate_runs_out(
    authority: Authority,
) -> None:
    settings = replace(authority.settings(), mllp_address=("0.0.0.0", 2575))  # noqa: S104
    assert warnings_of(settings, a_site(), NOW) == ()
    (told,) = warnings_of(settings, a_site(), NOW + timedelta(days=61))
    assert told.startswith("Certificate mllp expires on ")


def test_a_certificate_that_is_good_for_servers_alone_is_warned_of(authority: Authority) -> None:
    server = authority.issue_for_servers_alone("localhost")
    (told,) = warnings_of(authority.settings(server=server), a_site(), NOW)
    assert told.startswith("`probe` cannot use the MLLP port: unsuitable certificate purpose.")


def test_the_probe_gets_in_by_the_certificate_of_the_port(authority: Authority, tmp_path: Path):
    assert why_no_probe(authority.settings()) is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = Authority(elsewhere)
    assert why_no_probe(authority.settings(client_ca=other.ca_file)) is None, "from another CA"


@pytest.mark.parametrize(
    ("days", "reason"), [(1.0, None), (-1.0, "certificate has expired")], ids=["good", "expired"]
)
def test_the_probe_is_kept_out_when_the_port_is(
    authority: Authority, days: float, reason: str | None
) -> None:
    server: Pair = authority.issue("localhost", days=days)
    assert why_no_probe(authority.settings(server=server)) == reason
