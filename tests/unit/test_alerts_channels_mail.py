"""Which mail server and which addresses the settings may name: without a network."""

import traceback

import pytest

from alerts.channels.smtp import Letterbox, LinkInvalid
from alerts.channels.smtp_server import (
    AddressInvalid,
    Security,
    SmtpServer,
    SmtpUrlInvalid,
    check_address,
)

FROM = "carers@hospital.example"
LINK = "https://carers.example/centre/LANCARERS"
SECRET = "hunter2"  # noqa: S105 - of nobody

GOOD = [
    # the setting, and what it says
    (
        f"smtps://desk:{SECRET}@mail.example:4650?from={FROM}",
        SmtpServer("mail.example", 4650, Security.TLS, FROM, "desk", SECRET),
    ),
    (f"smtps://mail.example?from={FROM}", SmtpServer("mail.example", 465, Security.TLS, FROM)),
    (f"smtp://mail.example/?from={FROM}", SmtpServer("mail.example", 587, Security.STARTTLS, FROM)),
    (f"SMTP://Mail.Example?from={FROM}", SmtpServer("mail.example", 587, Security.STARTTLS, FROM)),
    # plain only to this machine itself, and not where somebody asks for TLS there
    (f"smtp://localhost:25?from={FROM}", SmtpServer("localhost", 25, Security.NONE, FROM)),
    (f"smtp://[::1]:25?from={FROM}", SmtpServer("::1", 25, Security.NONE, FROM)),
    (f"smtps://127.0.0.1?from={FROM}", SmtpServer("127.0.0.1", 465, Security.TLS, FROM)),
    (
        f"smtp://localhost.example?from={FROM}",
        SmtpServer("localhost.example", 587, Security.STARTTLS, FROM),
    ),
    # without from= it is whoever signs in, or a name of ours at the mail server
    (
        f"smtps://carers%40hospital.example:{SECRET}@mail.example",
        SmtpServer("mail.example", 465, Security.TLS, FROM, FROM, SECRET),
    ),
    (
        "smtp://mail.example",
        SmtpServer("mail.example", 587, Security.STARTTLS, "thinkcarer@mail.example"),
    ),
    ("smtp://127.0.0.1:25", SmtpServer("127.0.0.1", 25, Security.NONE, "thinkcarer@localhost")),
    # signs that mean something in a URL
    (
        f"smtps://a%40b:%2F%3F%23%25+@mail.example?from={FROM}",
        SmtpServer("mail.example", 465, Security.TLS, FROM, "a@b", "/?#%+"),
    ),
    (
        "smtps://mail.example?from=carers%2Bbounces@hospital.example",
        SmtpServer("mail.example", 465, Security.TLS, "carers+bounces@hospital.example"),
    ),
    (
        "smtps://mail.example?from=carers+bounces@hospital.example",
        SmtpServer("mail.example", 465, Security.TLS, "carers+bounces@hospital.example"),
    ),
]


@pytest.mark.parametrize(("url", "server"), GOOD)
def test_the_setting_is_taken_apart(url: str, server: SmtpServer):
    assert SmtpServer.from_url(url) == server


BAD = [
    # the setting, and a word of what is said about it
    ("", "smtps://"),
    ("mail.example:587", "smtps://"),
    (f"https://{SECRET}@mail.example", "smtps://"),
    (f"smtps://?from={FROM}", "no host"),
    (f"smtps://desk:{SECRET}@:465?from={FROM}", "no host"),
    (f"smtps://desk:{SECRET}@mail.example:port?from={FROM}", "port"),
    (f"smtps://desk:{SECRET}@mail.example:99999?from={FROM}", "port"),
    (f"smtps://desk:{SECRET}/x@mail.example?from={FROM}", "%XX"),  # a / in the password
    (f"smtps://desk:{SECRET}#x@mail.example?from={FROM}", "%XX"),  # a # in it
    (f"smtps://desk:{SECRET}?x@mail.example?from={FROM}", "%XX"),  # a ? in it
    (f"smtps://desk:{SECRET}@mail.example/inbox?from={FROM}", "%XX"),
    (f"smtps://desk:{SECRET}@mail.example?from={FROM}#x", "%XX"),
    (f"smtps://desk:{SECRET}\r\nRSET@mail.example?from={FROM}", "printable"),
    (f"smtps://desk:{SECRET}%0D%0ARSET@mail.example?from={FROM}", "printable"),
    (f"smtps://desk:{SECRET}%C3%A9@mail.example?from={FROM}", "printable"),
    (f"smtps://desk:{SECRET}é@mail.example?from={FROM}", "printable"),
    (f"smtps://desk@mail.example?from={FROM}", "together"),
    (f"smtps://:{SECRET}@mail.example?from={FROM}", "together"),
    (f"smtps://desk:{SECRET}@mail.example?from=", "from"),
    (f"smtps://desk:{SECRET}@mail.example?sender={FROM}", "from"),
    (f"smtps://desk:{SECRET}@mail.example?from={FROM}&tls=no", "from"),
    (f"smtps://desk:{SECRET}@mail.example?from=carers", "from"),
    (f"smtps://desk:{SECRET}@mail.example?from={FROM}%0D%0ABcc:x@y.example", "from"),
]


@pytest.mark.parametrize(("url", "word"), BAD)
def test_what_cannot_be_read_is_said_without_quoting_it(url: str, word: str):
    with pytest.raises(SmtpUrlInvalid, match=word) as failure:
        SmtpServer.from_url(url)
    assert SECRET not in "".join(traceback.format_exception_only(failure.value))
    assert failure.value.__cause__ is None or SECRET not in str(failure.value.__cause__)
    assert failure.value.__suppress_context__ or failure.value.__context__ is None


def test_no_password_is_shown():
    assert SECRET not in repr(SmtpServer.from_url(GOOD[0][0]))


@pytest.mark.parametrize(
    "address",
    [
        "desk",
        "@lancarers.example",
        "desk@",
        "desk@lancarers.example\r\nBcc: other@lancarers.example",
        "desk@lancarers.example\n",
        "desk@lancarers.example, other@lancarers.example",
        "desk@lancarers.example other@lancarers.example",
        "Desk <desk@lancarers.example>",
        '"desk\r\n"@lancarers.example',
        "desk@lancarers@example",
        "desk@lancarers.example\x00",
        "désk@lancarers.example",
        "d" * 65 + "@lancarers.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused(address: str):
    with pytest.raises(AddressInvalid):
        check_address(address)
    with pytest.raises(AddressInvalid):
        Letterbox(address, LINK)
    with pytest.raises(AddressInvalid):
        SmtpServer("mail.example", 465, Security.TLS, address)


@pytest.mark.parametrize("address", ["desk@lancarers.example", "o'brien+x.y@a-b.example"])
def test_plain_addresses_are_taken(address: str):
    assert Letterbox(address, LINK).address == address


@pytest.mark.parametrize(
    "link",
    ["", "carers.example", "javascript:x", LINK + "\r\nX: y", LINK + " x", "https://é.example"],
)
def test_what_is_no_link_is_refused(link: str):
    with pytest.raises(LinkInvalid):
        Letterbox("desk@lancarers.example", link)
