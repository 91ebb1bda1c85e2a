"""E-mail to centres, over real sockets: what is sent, to whom, and that nothing goes in plain."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme

from alerts.channels.smtp import Letterbox, Mail
from alerts.channels.smtp_server import Security, SmtpServer
from alerts.delivery import Accepted, Parcel, Refused, TryLater, Unavailable
from alerts.disclosure.alerts import disclose
from alerts.model.site import NoticeEvent
from mapping.fhir import communication
from mapping.fhir.systems import Claims
from tests.support.canaries import CENTRE, NHS, REGISTRATION, STAY, TELLING, a_notice
from tests.support.mail_server import HANG_UP, PASSWORD, USER, Postbox, mail_server, rude_server

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
LETTERBOX = Letterbox("desk@lancarers.example", "https://carers.example/centre/LANCARERS")
SENDER = "think-carer@hospital.example"
WHOLE = b"""\
From: Think Carer <think-carer@hospital.example>\r
To: desk@lancarers.example\r
Subject: Something to read in Think Carer\r
Date: Fri, 20 Nov 2026 15:00:00 +0000\r
Message-ID: <00000000-0000-5000-8000-000000000002.3@hospital.example>\r
Auto-Submitted: auto-generated\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=us-ascii\r
Content-Transfer-Encoding: 7bit\r
\r
There is something to read in Think Carer:\r
\r
https://carers.example/centre/LANCARERS\r
\r
Please sign in to read it. This e-mail says nothing about anybody, on purpose.\r
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost",))).configure_cert(context)
    return context


def a_parcel() -> Parcel:
    notice = a_notice(NoticeEvent.DISCHARGED)
    rendered = communication.render(disclose(notice, TELLING), Claims(draft=True))
    payload = f"{rendered} {STAY} {REGISTRATION}"
    return Parcel(
        id=1,
        alert=notice.id,
        stay="CANARY-STAY",
        kind="Communication",
        version=3,
        recipient=CENTRE,
        channel="smtp",
        destination="smtp",
        payload=payload,
        attempts=1,
    )


def a_mail(port: int, security: Security, tls: ssl.SSLContext | None = None, **changes) -> Mail:
    server = replace(SmtpServer("localhost", port, security, SENDER), **changes)
    return Mail(server, {"LANCARERS": LETTERBOX}, lambda: NOW, tls)


@contextmanager
def posting(authority: trustme.CA, trusting: ssl.SSLContext) -> Iterator[tuple[Postbox, Mail]]:
    with mail_server(starttls=certified(authority)) as box:
        yield box, a_mail(box.port, Security.STARTTLS, trusting)


def test_starttls_carries_an_e_mail_that_says_nothing_about_anybody(authority, trusting):
    with posting(authority, trusting) as (box, mail):
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")
    (arrived,) = box.arrived
    assert arrived.text == WHOLE
    assert (arrived.sender, arrived.recipients) == (SENDER, ["desk@lancarers.example"])
    assert arrived.is_protected


def test_no_canary_of_the_parcel_is_in_the_whole_conversation(authority, trusting):
    parcel = a_parcel()
    with posting(authority, trusting) as (box, mail):
        mail.send(parcel)
    said = repr(box.arrived).upper()
    canaries = ("CANARY", "CARER-GIVEN", "CARER-FAMILY", "R-EXTERNAL", NHS.value, "DISCHARGED")
    assert "R-EXTERNAL" in parcel.payload.upper()
    assert not [canary for canary in canaries if canary in said]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_tls_from_the_start_and_signing_in(authority, trusting):
    with mail_server(tls=certified(authority), asks_who=True) as box:
        mail = a_mail(box.port, Security.TLS, trusting, user=USER, password=PASSWORD)
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")
        wrong = a_mail(box.port, Security.TLS, trusting, user=USER, password=PASSWORD[1:])
        refusal = "the mail server does not take our user and password: 535"
        assert wrong.send(a_parcel()) == Unavailable(refusal)
        nobody = a_mail(box.port, Security.TLS, trusting)
        refusal = "the mail server does not take our sender: 530 5.7.0"
        assert nobody.send(a_parcel()) == Unavailable(refusal)
    assert [each.is_protected for each in box.arrived] == [True]


def test_signing_in_over_starttls(authority, trusting):
    with mail_server(starttls=certified(authority), asks_who=True) as box:
        mail = a_mail(box.port, Security.STARTTLS, trusting, user=USER, password=PASSWORD)
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")


def test_a_server_that_knows_no_signing_in():
    with rude_server(b"220 x\r\n", b"250 x\r\n") as server:
        mail = a_mail(server.port, Security.NONE, user=USER, password=PASSWORD)
        receipt = mail.send(a_parcel())
    assert receipt == Unavailable("the mail server offers no sign-in that we know")


def test_where_starttls_is_not_offered_nothing_goes_in_plain(trusting):
    with rude_server(b"220 x\r\n", b"250-x\r\n250 AUTH PLAIN\r\n") as server:
        mail = a_mail(server.port, Security.STARTTLS, trusting, user=USER, password=PASSWORD)
        receipt = mail.send(a_parcel())
    assert receipt == Unavailable("the mail server offers no STARTTLS; nothing goes in plain")
    assert server.heard == [b"ehlo hospital.example\r\n"]


def test_what_comes_in_plain_with_the_go_ahead_for_tls_is_not_believed(trusting):
    offered = b"250-x\r\n250 STARTTLS\r\n"
    ahead = b"220 go ahead\r\n250 taken in plain\r\n"
    with rude_server(b"220 x\r\n", offered, ahead) as server:
        receipt = a_mail(server.port, Security.STARTTLS, trusting).send(a_parcel())
    assert isinstance(receipt, Unavailable)
    assert server.heard[:2] == [b"ehlo hospital.example\r\n", b"STARTTLS\r\n"]
    assert all(told.startswith(b"\x16\x03") for told in server.heard[2:])


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_of_another_name_or_authority_is_no_way_to_send(
    authority, trusting, security
):
    for tls in (certified(authority, "mail.other.example"), certified(trustme.CA())):
        offered = {"tls": tls} if security is Security.TLS else {"starttls": tls}
        with mail_server(**offered) as box:
            receipt = a_mail(box.port, security, trusting).send(a_parcel())
        assert isinstance(receipt, Unavailable)
        assert receipt.why.startswith("the mail server's certificate is not good for its name: ")
        assert not box.arrived


def test_plain_to_this_machine_itself():
    with mail_server() as box:
        server = SmtpServer.from_url(f"smtp://127.0.0.1:{box.port}?from={SENDER}")
        mail = Mail(server, {"LANCARERS": LETTERBOX}, lambda: NOW)
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")
    assert box.arrived[0].text == WHOLE


def test_a_grey_list_is_tried_later_and_then_takes_it(authority, trusting):
    with posting(authority, trusting) as (box, mail):
        box.on_rcpt = ["450 4.2.0 Greylisted, desk@lancarers.example"]
        assert mail.send(a_parcel()) == TryLater("the mail server refuses the recipient: 450 4.2.0")
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")
    assert len(box.arrived) == 1


REPLIES = [
    # where, the reply, what it means
    ("on_rcpt", "550 5.1.1 no such desk", Refused, "the recipient: 550 5.1.1"),
    ("on_rcpt", "421 4.3.2 closing", Unavailable, "the recipient: 421 4.3.2"),
    ("on_rcpt", "530 5.7.0 sign in first", Unavailable, "the recipient: 530 5.7.0"),
    ("on_data", "451 4.3.0 try again", TryLater, "the e-mail: 451 4.3.0"),
    ("on_data", "554 5.6.0 no", Refused, "the e-mail: 554 5.6.0"),
    ("on_data", "552 too large", Refused, "the e-mail: 552"),
]


@pytest.mark.parametrize(("where", "reply", "means", "why"), REPLIES)
def test_a_reply_about_the_mail_stops_it_and_one_about_the_line_stops_the_line(
    authority, trusting, where, reply, means, why
):
    with posting(authority, trusting) as (box, mail):
        getattr(box, where).append(reply)
        assert mail.send(a_parcel()) == means(f"the mail server refuses {why}")
    assert not box.arrived


def test_a_sender_that_may_not_send_stops_the_line(authority, trusting):
    with posting(authority, trusting) as (box, mail):
        box.on_mail = ["550 5.7.1 you may not send as that"]
        refusal = "the mail server does not take our sender: 550 5.7.1"
        assert mail.send(a_parcel()) == Unavailable(refusal)


def test_a_lost_answer_is_sent_again_under_the_same_message_id(authority, trusting):
    with posting(authority, trusting) as (box, mail):
        box.on_data = [HANG_UP]
        lost = TryLater(
            "no answer after the e-mail went out: it may have arrived", is_in_doubt=True
        )
        assert mail.send(a_parcel()) == lost
        assert mail.send(a_parcel()) == Accepted("250 2.0.0")
    assert [each.text for each in box.arrived] == [WHOLE, WHOLE]


def test_a_connection_lost_before_the_text_stops_the_line(authority, trusting):
    with posting(authority, trusting) as (box, mail):
        box.on_rcpt = [HANG_UP]
        assert mail.send(a_parcel()) == Unavailable("the mail server hung up")


GREETINGS = [
    (b"554 5.3.2 no mail here\r\n", "the mail server greets with 554 5.3.2"),
    (b"421 busy\r\n", "the mail server greets with 421"),
    (b"HTTP/1.1 400 Bad Request\r\n", "the mail server greets with what is not SMTP"),
]


@pytest.mark.parametrize(("greeting", "why"), GREETINGS)
def test_who_greets_badly_is_left_alone(greeting, why):
    with rude_server(greeting) as server:
        assert a_mail(server.port, Security.NONE).send(a_parcel()) == Unavailable(why)


def test_a_server_that_is_away_is_unavailable():
    with mail_server() as box:
        port = box.port
    assert a_mail(port, Security.NONE).send(a_parcel()) == Unavailable(
        "no connection to the mail server"
    )


def test_an_address_where_no_mail_server_can_be_is_not_dialled():
    server = SmtpServer("169.254.169.254", 25, Security.TLS, SENDER)
    receipt = Mail(server, {"LANCARERS": LETTERBOX}, lambda: NOW).send(a_parcel())
    assert receipt == Unavailable("the mail server's name leads where none may be dialled")


def test_a_centre_without_an_address_waits_for_a_person(authority, trusting):
    mail = Mail(SmtpServer("localhost", 1, Security.TLS, SENDER), {}, lambda: NOW)
    assert mail.send(a_parcel()) == Refused("the centre LANCARERS has no e-mail address")


@pytest.mark.parametrize("replies", [(), (b"220 x\r\n",), (b"220 x\r\n", b"250 x\r\n")])
def test_closing_ends_a_conversation_that_waits(replies):
    with rude_server(*(replies or (b"220",)), hangs_up=False) as server:
        mail = a_mail(server.port, Security.NONE)
        receipts = []
        sending = threading.Thread(target=lambda: receipts.append(mail.send(a_parcel())))
        sending.start()
        until = time.monotonic() + 5
        while len(server.heard) < len(replies) and time.monotonic() < until:
            time.sleep(0.01)
        mail.close()
        mail.close()
        sending.join(5)
    assert [type(each) for each in receipts] == [Unavailable]
    assert mail.send(a_parcel()) == Unavailable("no connection to the mail server")
