"""The plan against hl7apy's own full parse, and its names for the engineers' page."""

from pathlib import Path

import pytest
from hl7apy.parser import parse_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.model.events import CLEARED
from mapping.hl7.message import read
from mapping.hl7.plan import VERSIONS, FieldLine, compile_plan, explain, plan_for
from mapping.hl7.text import NULL, Decoded, decode, separators_of, unescape

FIXTURES = sorted(Path(__file__).parents[2].joinpath("fixtures", "hl7").rglob("*.hl7"))
TOLERANT = 2

# What hl7apy must call the values we pick, in every version: a moved field would show here.
MEANINGS = {
    "EVN-2.1": "date",
    "EVN-6.1": "event occur",
    "MSH-7.1": "date time of message",
    "MSH-9.2": "trigger event",
    "MSH-10.1": "control id",
    "NK1-2.1": "fami",
    "NK1-2.2": "given name",
    "NK1-3.1": "relationship",
    "NK1-4.5": "postal code",
    "NK1-5.1": "phone",
    "NK1-7.1": "contact role",
    "NK1-9.1": "end date",
    "PID-3.1": "patient id",
    "PID-5.1": "fami",
    "PID-5.2": "given name",
    "PID-7.1": "birth",
    "PID-8.1": "sex",
    "PID-11.5": "postal code",
    "PID-13.1": "phone",
    "PID-13.12": "unformatted",
    "PID-29.1": "patient death",
    "PID-30.1": "death indicator",
    "PID-32.1": "identity reliability",
    "PV1-2.1": "patient class",
    "PV1-3.1": "assigned patient location",
    "PV1-3.2": "room",
    "PV1-3.3": "bed",
    "PV1-3.4": "facility",
    "PV1-16.1": "vip",
    "PV1-19.1": "visit number",
    "PV1-36.1": "discharge disposition",
    "PV1-37.1": "discharged to location",
    "PV1-44.1": "admit date",
    "PV1-45.1": "discharge date",
    "PV2-9.1": "expected discharge date",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_we_pick_means_the_same_in_every_version(version):
    picks = [
        p for fields in compile_plan(version).segments.values() for f in fields for p in f.picks
    ]
    names = {pick.path: pick.name.lower() for pick in picks}
    wrong = {path: names[path] for path, word in MEANINGS.items() if word not in names[path]}
    assert wrong == {}


def test_a_field_the_version_lacks_is_read_as_the_next_version_defines_it():
    picks = {p.path: p.version for f in compile_plan("2.1").segments["PV2"] for p in f.picks}
    assert picks == {"PV2-9.1": "2.2"}
    assert {p.version for f in compile_plan("2.2").segments["ZU8"] for p in f.picks} == {None}


NEAREST = [
    # MSH-12, read as, comment
    ("2.4", "2.4", "known"),
    ("2.3.2", "2.3.1", "between"),
    ("2.7.1", "2.7", "between"),
    ("2.9", "2.8.2", "above"),
    ("3", "2.8.2", "above"),
    ("2.0", "2.1", "below"),
    ("", "2.4", "blank"),
    ("two", "2.4", "words"),
    ("2.4 GBR", "2.4", "a country behind it"),
]


@pytest.mark.parametrize(("declared", "used", "comment"), NEAREST)
def test_an_unknown_version_is_read_as_the_nearest_lower_one(declared, used, comment):
    assert plan_for(declared).version == used, comment


def picked(text):
    """All values of the plan, by segment, occurrence and path."""
    found = {}
    for name, rows in read(Decoded(text, ("utf-8",))).segments.items():
        for number, row in enumerate(rows):
            found |= {(name, number, 0, path): value for path, value in row.singles.items()}
            for repetitions in row.repeated.values():
                for turn, one in enumerate(repetitions):
                    found |= {(name, number, turn, p): value for p, value in one.singles.items()}
    return found


def parsed(text):
    """The same values by hl7apy's full parse, where its version of the tables has them."""
    message = parse_message(text, find_groups=False, validation_level=TOLERANT)
    plan, separators = compile_plan(str(message.version)), separators_of(text)
    found = {}
    for name, fields in plan.segments.items():
        segments = [segment for segment in message.children if segment.name == name]
        for number, segment in enumerate(segments):
            for field in fields:
                same = field.path.replace("-", "_")
                turns = [child for child in segment.children if child.name == same]
                for turn, item in enumerate(turns if field.repeats else turns[:1]):
                    for pick in known(field, plan):
                        value = component(item, pick.component, separators)
                        if value is not None:
                            found[name, number, turn, pick.path] = value
    return found


def component(item, number, separators):
    if er7(item).rstrip("^&") == NULL:
        return CLEARED
    chosen = nth(item.children, number)
    chosen = None if chosen is None else nth(chosen.children, 1)
    raw = "" if chosen is None else er7(chosen)
    if raw == NULL:
        return CLEARED
    return unescape(raw, separators) if raw else None


def nth(children, number):
    """By hl7apy's name (``XPN_2``) where it has one, else by place."""
    named = [child for child in children if child.name and child.name[-1].isdigit()]
    if named or any(child.name is None for child in children):
        ours = [c for c in named if c.name.rsplit("_", 1)[1] == str(number)]
        return ours[0] if ours else None
    return children[number - 1] if len(children) >= number else None


def er7(element):
    """The text of an element as it was sent; hl7apy escapes ``\\.br\\`` anew when it writes."""
    return element.to_er7().replace("\\E\\", "\\")


def own(values, text):
    """The picked values that hl7apy's tables of this version name too."""
    plan = plan_for(text.split("|")[11])
    ours = {p.path for fields in plan.segments.values() for f in fields for p in known(f, plan)}
    return {key: value for key, value in values.items() if key[3] in ours}


def known(field, plan):
    """Nothing borrowed from a later version; hl7apy's 2.6 has no XTN-1 and loses such a phone."""
    if field.path == "EVN-1":
        return []  # withdrawn in 2.8, where hl7apy reads no null in it
    own_picks = [pick for pick in field.picks if pick.version in (plan.version, None)]
    return own_picks if field.picks[0] in own_picks else []


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_plan_reads_every_fixture_as_hl7apy_does(path):
    text = decode(path.read_bytes(), "cp1252").text
    lines = [line for line in text.split("\r") if line.strip()]
    known = {"MSH", "EVN", "PID", "PV1", "PV2", "NK1"}
    usual = lines[0].startswith("MSH|^~\\&|") and text.count("\rMSH") == 0
    if not usual or lines[0].split("|")[11].split("^")[0] not in VERSIONS:
        return  # hl7apy refuses it: nothing to compare with
    kept = "\r".join(line for line in lines if line[:3] in known or line.startswith("Z"))
    assert own(picked(kept), kept) == parsed(kept)


WORDS = st.sampled_from(
    ["A", "Og", "20260302", "999", "M7A", " x", "é", '"', "\\T\\", "\\S\\", "\\E\\x", "-"]
)
PART = st.one_of(st.just(""), st.just(NULL), st.lists(WORDS, min_size=1, max_size=3).map("".join))
COMPONENT = st.lists(PART, min_size=1, max_size=2).map("&".join)
REPETITION = st.lists(COMPONENT, min_size=1, max_size=6).map("^".join)
FIELD = st.one_of(st.just(""), st.just(NULL), REPETITION)
REPEATED = st.lists(REPETITION, min_size=1, max_size=2).map("~".join)


@st.composite
def messages(draw):
    version = draw(st.sampled_from(VERSIONS))
    lines = [f"MSH|^~\\&|TRAK|L302H|||20260302101500||ADT^A01|C1|P|{version}"]
    for name, plans in compile_plan(version).segments.items():
        own_fields = [f for f in plans if any(p.version in (version, None) for p in f.picks)]
        if name == "MSH" or not own_fields:
            continue
        values = {f.position: draw(REPEATED if f.repeats else FIELD) for f in own_fields}
        lines.append("|".join([name, *(values.get(n, "") for n in range(1, max(values) + 1))]))
    return "\r".join(lines)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages())
def test_the_plan_reads_generated_messages_as_hl7apy_does(text):
    assert own(picked(text), text) == parsed(text)


def test_explain_names_fields_components_and_repetitions():
    text = "MSH|^~\\&|TRAK||||||ADT^A01|1|P|2.4\rPID|||1^^^NHS~2||O\\T\\B\rZU8||N\rABC|x"
    assert explain(text) == [
        FieldLine("MSH-1", "Field separator", "|"),
        FieldLine("MSH-2", "Encoding characters", "^~\\&"),
        FieldLine("MSH-3", "Sending application", "TRAK"),
        FieldLine("MSH-9", "Message type", "ADT^A01"),
        FieldLine("MSH-9.1", "Message type", "ADT"),
        FieldLine("MSH-9.2", "Trigger event", "A01"),
        FieldLine("MSH-10", "Message control id", "1"),
        FieldLine("MSH-11", "Processing id", "P"),
        FieldLine("MSH-12", "Version id", "2.4"),
        FieldLine("PID-3", "Patient identifier list", "1^^^NHS"),
        FieldLine("PID-3.1", "Id", "1"),
        FieldLine("PID-3.4", "Assigning authority", "NHS"),
        FieldLine("PID-3", "Patient identifier list", "2"),
        FieldLine("PID-5", "Patient name", "O\\T\\B"),
        FieldLine("ZU8-2", "", "N"),
        FieldLine("ABC-1", "", "x"),
    ]


@pytest.mark.parametrize("text", ["", "rubbish", "MSH", "MSH|^~\\&\rMSH\rPV1\rx\r", "FHS|^~\\&"])
def test_explain_never_fails(text):
    assert isinstance(explain(text), list)
