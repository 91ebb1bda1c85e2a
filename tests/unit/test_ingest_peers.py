"""Which certificate may speak for which feed, and the words for what went wrong."""

import ssl

import pytest

from ingest.header import FeedRule
from ingest.peers import Bindings, Shown, feeds_for, shown_in, why_failed, why_refused

OPEN = FeedRule("pas", "TRAK", "L302H")
OTHER = FeedRule("itk", "ITKPAS", "*")
BOUND = FeedRule("lab", "LAB", "RXX", certificate_names=("engine.lab.example", "lab-spare"))
ALL = (OPEN, OTHER, BOUND)
UNLISTED = frozenset({"pas", "itk"})


@pytest.mark.parametrize(
    ("names", "rules", "feeds", "comment"),
    [
        ({"engine.lab.example"}, ALL, {"lab"}, "listed: that feed alone"),
        ({"ENGINE.Lab.Example"}, ALL, {"lab"}, "case does not matter"),
        ({"other", "lab-spare"}, ALL, {"lab"}, "one of its names is enough"),
        ({"lab"}, ALL, UNLISTED, "a feed that lists names is not meant by its own name"),
        ({"RXX"}, ALL, UNLISTED, "nor by its facility"),
        ({"pas"}, ALL, {"pas"}, "a feed without a list is meant by its name"),
        ({"l302h"}, ALL, {"pas"}, "or by its facility"),
        ({"*"}, ALL, UNLISTED, "any facility is no name"),
        ({"pas", "lab-spare"}, ALL, {"pas", "lab"}, "it may name several feeds"),
        ({"L302H"}, (OPEN, FeedRule("b", "B", "L302H")), {"pas", "b"}, "two feeds of a facility"),
        ({"stranger"}, ALL, UNLISTED, "names none: the feeds without a list"),
        ({"engine.lab.example.evil"}, ALL, UNLISTED, "the whole name, not its beginning"),
        ({"lab.example"}, ALL, UNLISTED, "nor its end"),
        ({""}, (FeedRule("", "", ""), BOUND), {""}, "an empty name is dropped before it gets here"),
        (set(), ALL, UNLISTED, "no certificate: the feeds without a list"),
        (set(), (OPEN, OTHER), None, "a site that binds nothing: anybody may say anything"),
        ({"stranger"}, (OPEN, OTHER), None, "also with a certificate"),
        ({"pas"}, (OPEN, OTHER), {"pas"}, "but who names a feed is held to it"),
        ({"stranger"}, (BOUND,), set(), "every feed lists names and none of these"),
        (set(), (BOUND,), set(), "no certificate, and every feed lists names"),
        ({"stranger"}, (), None, "a site without feeds binds nothing"),
    ],
)
def test_a_certificate_speaks_for(
    names: set[str], rules: tuple[FeedRule, ...], feeds: set[str] | None, comment: str
) -> None:
    assert feeds_for(names, rules) == feeds, comment


@pytest.mark.parametrize(
    ("names", "here", "feeds", "comment"),
    [
        ({"pas"}, (OPEN,), {"pas"}, "at the address of its feed"),
        ({"pas"}, (OTHER,), set(), "at the address of another feed"),
        ({"lab-spare"}, (OTHER,), set(), "bound elsewhere, though this feed lists nobody"),
        ({"stranger"}, (OTHER, BOUND), {"itk"}, "the feeds without a list that come in here"),
        ({"stranger"}, (), set(), "an address without feeds"),
    ],
)
def test_an_address_of_its_own_narrows_it(
    names: set[str], here: tuple[FeedRule, ...], feeds: set[str], comment: str
) -> None:
    assert Bindings(ALL).feeds_here(Shown(frozenset(names), b"x"), here) == feeds, comment


def test_our_own_certificate_may_say_anything_and_no_certificate_is_not_ours() -> None:
    assert Bindings((BOUND,), own=b"ours").feeds_here(Shown(der=b"ours"), (BOUND,)) is None
    assert Bindings((BOUND,), own=b"ours").feeds_here(Shown(der=b"x"), (BOUND,)) == frozenset()
    assert Bindings((BOUND,), own=b"").feeds_here(Shown(), (BOUND,)) == frozenset()


def test_common_names_and_dns_names_are_read_and_nothing_else() -> None:
    certificate = {
        "subject": (
            (("countryName", "GB"),),
            (("organizationName", "a.org"), ("commonName", "first")),
            (("commonName", ""),),
            (("commonName", "second"),),
        ),
        "subjectAltName": (
            ("DNS", "pas.example"),
            ("IP Address", "10.0.0.1"),
            ("URI", "https://uri.example"),
            ("email", "person@mail.example"),
            ("DirName", ((("commonName", "inner"),),)),
        ),
        "issuer": ((("commonName", "issuer"),),),
    }
    assert shown_in(certificate, b"der") == Shown(
        frozenset({"first", "second", "pas.example"}), b"der"
    )
    assert shown_in({}, b"").names == frozenset()


def test_a_refusal_says_by_fingerprint_whose_it_was_and_names_nobody() -> None:
    assert why_refused(Shown(frozenset({"jean"}), b"der")) == (
        "the certificate may speak for no feed here (SHA-256 "
        "5050d80d22ecd471ea55df7034042c1e041341ff4066e7f6ff38e20b720df8ea)"
    )
    assert why_refused(Shown()) == "no certificate was shown"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TimeoutError(), "the handshake was not finished in time"),
        (ConnectionResetError(), "closed during the handshake"),
        (
            ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
            "closed during the handshake",
        ),
        (OSError("secret"), "the connection failed"),
        (ssl.SSLError("secret"), "unknown"),
    ],
)
def test_a_failed_handshake_is_told_in_words_of_ours(failure: OSError, reason: str) -> None:
    assert why_failed(failure) == reason


def test_a_refused_certificate_is_told_in_words_of_openssl() -> None:
    failure = ssl.SSLCertVerificationError(1, "secret")
    failure.verify_message = "certificate has expired"
    assert why_failed(failure) == "certificate refused: certificate has expired"
