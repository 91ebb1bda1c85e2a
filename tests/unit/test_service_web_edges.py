"""What stands at the edge: search parameters, hidden fields, and how often one may try."""

from datetime import UTC, datetime, timedelta

import pytest

from service.web.attempts import ADDRESSES, TRIES, WITHIN, Attempts
from service.web.hiding import MOST, fields
from service.web.searches import SearchInvalid, Token, read

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKENS, DATES = ("status", "owner:identifier"), ("sent",)


def test_tokens_part_into_system_and_value():
    asked = read([("status", "a,b|c"), ("owner:identifier", "s|v")], TOKENS, DATES)
    assert asked.tokens["status"] == ((Token(None, "a"), Token("b", "c")),)
    assert asked.tokens["owner:identifier"] == ((Token("s", "v"),),)


@pytest.mark.parametrize(
    ("value", "operator", "start", "seconds"),
    [
        ("2026-11-24", "eq", "2026-11-24T00:00:00+00:00", 86_400),
        ("ge2026-07-01", "ge", "2026-06-30T23:00:00+00:00", 86_400),  # a British day
        ("lt2026-10-25", "lt", "2026-10-24T23:00:00+00:00", 90_000),  # the clocks go back
        ("sa2026-11-24T09:00:00Z", "sa", "2026-11-24T09:00:00+00:00", 1),
        ("2026-11-24T09:00:00+01:00", "eq", "2026-11-24T08:00:00+00:00", 1),
        ("2026-11-24T09:00:00.250Z", "eq", "2026-11-24T09:00:00.250000+00:00", 0.001),
    ],
)
def test_a_date_covers_what_it_says(value: str, operator: str, start: str, seconds: float):
    (moment,) = read([("sent", value)], TOKENS, DATES).moments["sent"]
    assert (moment.operator, moment.starts_at.isoformat()) == (operator, start)
    assert moment.ends_at - moment.starts_at == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "pair",
    [
        ("colour", "red"),
        ("<script>", "x"),
        ("status", ""),
        ("owner:identifier", "v"),
        ("owner:identifier", "s|"),
        ("sent", "2026-02-30"),
        ("sent", "ap2026-11-24"),
        ("_count", "-1"),
        ("_count", "٣"),
        ("_after", "x"),
        ("_format", "xml"),
    ],
)
def test_what_cannot_be_read_is_refused_without_repeating_it(pair: tuple[str, str]):
    with pytest.raises(SearchInvalid) as refused:
        read([pair], TOKENS, DATES)
    assert "<" not in str(refused.value)


@pytest.mark.parametrize(("given", "count"), [("1", 1), ("200", 200), ("201", 200)])
def test_a_page_holds_two_hundred_at_most(given: str, count: int):
    assert read([("_count", given)], TOKENS, DATES).count == count


MESSAGE = (
    "MSH|^~\\&|TRAK|L302H|TC||20261124090000|SECRET|ADT^A01|M1|P|2.4\r"
    "EVN|A01|20261124090000|||OPERATOR|20261124085900\r"
    "PID|1||9990000018^^^NHS||Carswell^Hugh||19480211|M|||1 High Street^^Airdrie\r"
    "NK1|1|Carswell^Jean|WIFE||07700900123\r"
    "PV1|1|I|M7A^^B1^L302H||||1234^Doctor||||||||||||V1001\r"
    "DG1|1||I21^Heart attack\r"
    "ZZZ|anything at all\r"
)
SHOWN = ("TRAK", "M1", "20261124085900", "M7A", "I")
HIDDEN = ("SECRET", "OPERATOR", "9990000018", "Carswell", "Hugh", "19480211", "High Street")
HIDDEN += ("Jean", "07700900123", "Doctor", "V1001", "Heart", "anything")


def test_only_listed_fields_are_shown_and_no_other_whatever_the_segment():
    lines, more = fields(MESSAGE.encode(), "cp1252", is_open=False)
    text = " ".join(line.value for line in lines)
    assert more == 0
    assert not [word for word in SHOWN if word not in text]
    assert not [word for word in HIDDEN if word in text]
    assert "Hidden (13 characters)" in text


def test_with_a_reason_everything_is_shown():
    text = " ".join(line.value for line in fields(MESSAGE.encode(), "cp1252", is_open=True)[0])
    assert not [word for word in (*SHOWN, *HIDDEN) if word not in text]


def test_what_is_no_message_at_all_is_hidden_too():
    lines, _ = fields(b"Carswell, Hugh", "cp1252", is_open=False)
    assert not [line for line in lines if "Carswell" in line.value]


def test_a_page_of_fields_has_an_end():
    long = MESSAGE + "".join(f"NK1|{n}|a^b|c\r" for n in range(MOST))
    lines, more = fields(long.encode(), "cp1252", is_open=False)
    assert len(lines) == MOST
    assert more > 0


def test_an_address_waits_after_too_many_failures_and_not_for_ever():
    attempts = Attempts()
    for _ in range(TRIES):
        assert attempts.may_try("a", NOW)
        attempts.failed("a", NOW)
    assert not attempts.may_try("a", NOW)
    assert attempts.may_try("b", NOW)
    assert not attempts.may_try("a", NOW + WITHIN)
    assert attempts.may_try("a", NOW + WITHIN + timedelta(seconds=1))


def test_many_addresses_fill_no_memory():
    attempts = Attempts()
    for n in range(ADDRESSES + 5):
        attempts.failed(f"a{n}", NOW)
    assert len(attempts._failed) == ADDRESSES
