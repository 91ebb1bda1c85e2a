"""The site file: read whole, every fault named by file, table and key."""

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.model.events import PatientClass
from alerts.model.identity import IdentifierKind
from alerts.model.site import Feed, Nation, NoticeEvent
from ingest.header import FeedRule
from service.site import SiteInvalid, dialects_of, load_site, rules_of, unattributed

SITE = '[site]\nname = "A"\nnation = "SCT"\ndefault_centre = "C"\n'
HOSPITAL = '[[hospital]]\ncode = "H"\nname = "Hospital"\n'
WARD = '[[ward]]\ncode = "W"\nhospital = "H"\nname = "Ward"\n'
CENTRE = '[[centre]]\ncode = "C"\nname = "Centre"\n'
WHOLE = SITE + HOSPITAL + WARD + CENTRE


def test_only_codes_names_nation_and_default_centre_are_needed(tmp_path: Path):
    site = load_site(_file(tmp_path, WHOLE))
    assert (site.name, site.nation, site.default_centre) == ("A", Nation.SCOTLAND, "C")
    assert (site.synthetic, site.claim_draft_profiles) == (False, False)
    assert site.wards[0].live
    assert site.centres[0].channel == "inbox"
    assert site.centres[0].events == (
        NoticeEvent.PLANNED,
        NoticeEvent.DATE_CHANGED,
        NoticeEvent.DISCHARGED,
        NoticeEvent.CANCELLED,
    )
    assert site.policy == ()


def test_without_a_feed_there_is_one_that_takes_every_sender(tmp_path: Path):
    site = load_site(_file(tmp_path, WHOLE))
    assert rules_of(site) == (FeedRule("default"),)


def test_the_demo_site_is_synthetic_and_without_fault():
    site = load_site(None)
    assert site.synthetic
    assert [(ward.code, ward.live) for ward in site.wards] == [
        ("M7A", True),
        ("M4", True),
        ("M12", True),
        ("M9", False),
    ]
    assert [centre.code for centre in site.centres] == ["LANCARERS", "YOUNGNL"]
    assert [(rule.name, rule.sending_application) for rule in rules_of(site)] == [
        ("pas", "TRAK"),
        ("itk", "ITKPAS"),
    ]
    pas = dialects_of(site)["pas"]
    assert (pas.charset, pas.discharge_method_field, pas.synthetic) == ("cp1252", 36, True)
    itk = site.feed("itk")
    assert itk is not None
    assert itk.hidden_when_unknown


def test_a_feed_says_how_its_sender_speaks(tmp_path: Path):
    feed = """
[[feed]]
name = "pas"
sending_application = "TRAK"
ack_mode = "enhanced"
processing_id = "T"
refuse_unusable = true
charset = "latin-1"
identifiers = { "NHSNMBR" = "nhs" }
discharge_method_field = 37
discharge_destination_field = 36
carer_relationships = ["CGV"]
"""
    site = load_site(_file(tmp_path, WHOLE + feed))
    assert rules_of(site) == (FeedRule("pas", "TRAK", "*", "enhanced", "T", True),)
    dialect = dialects_of(site)["pas"]
    assert dialect.identifiers == {"NHSNMBR": IdentifierKind.NHS}
    assert (dialect.discharge_method_field, dialect.discharge_destination_field) == (37, 36)
    assert not dialect.synthetic


def test_a_feed_says_what_its_codes_mean(tmp_path: Path):
    feed = """
[[feed]]
name = "pas"
death_methods = ["DTH", "09"]
time_zone = "Atlantic/Faroe"
discharge_outside_a03 = true
ways = ["folder"]
visit_authority = "L302H"
patient_authority = "MRN"
patient_classes = { "DC" = "day-case" }
sensitive_values = ["S"]
planned_date_field = ["ZU1-24", "PV2-9"]
"""
    site = load_site(_file(tmp_path, WHOLE + feed))
    dialect = dialects_of(site)["pas"]
    assert dialect.death_methods == {"DTH", "9", "4", "5", "40", "41", "42", "43"}
    assert (dialect.zone.key, dialect.discharge_outside_a03) == ("Atlantic/Faroe", True)
    assert (dialect.visit_authority, dialect.patient_authority) == ("L302H", "MRN")
    assert dialect.patient_classes == {"DC": PatientClass.DAY_CASE}
    assert dialect.sensitive_values == {"S"}
    assert dialect.planned_date_fields == ("ZU1-24", "PV2-9")
    assert rules_of(site)[0].ways == {"folder"}


def test_the_scottish_discharge_types_mean_died_in_scotland_alone(tmp_path: Path):
    feed = '[[feed]]\nname = "pas"\nplanned_date_field = "ZU1-24"\n'
    words = (WHOLE + feed).replace('"SCT"', '"ENG"')
    assert 'nation = "ENG"' in words
    dialect = dialects_of(load_site(_file(tmp_path, words)))["pas"]
    assert dialect.death_methods == {"4", "5"}
    assert dialect.planned_date_fields == ("ZU1-24",)


def test_all_files_of_a_folder_are_read_together(tmp_path: Path):
    for name, words in (("a", SITE), ("b", HOSPITAL + CENTRE), ("c", WARD)):
        (tmp_path / f"{name}.toml").write_text(words)
    (tmp_path / "notes.txt").write_text("not a site file")
    assert load_site(tmp_path) == load_site(_file(tmp_path / "whole", WHOLE))


def test_policy_values_are_kept_by_name(tmp_path: Path):
    site = load_site(_file(tmp_path, WHOLE + "[policy]\nnotice = 48\nask_within = 6.5\n"))
    assert site.policy == (("ask_within", 6.5), ("notice", 48.0))


FAULTS = [
    # what is added or changed, what is told
    (WHOLE + "[sites]\n", "site.toml, sites: there is no such table"),
    (WHOLE + "hospitals = 1\n", "[[centre]] 1 (C), hospitals: there is no such key"),
    ("site = 1\n" + HOSPITAL + WARD + CENTRE, "site.toml, site: write it as a table, [site]"),
    (SITE + CENTRE + HOSPITAL + "[ward]\ncode = 1\n", "ward: write it as a table, [[ward]]"),
    (HOSPITAL + WARD + CENTRE, "There is no [site] table"),
    (WHOLE.replace('name = "A"\n', ""), "[site], name: this key is required"),
    (WHOLE.replace('nation = "SCT"\n', ""), "[site], nation: this key is required"),
    (WHOLE.replace("SCT", "WLS"), "[site], nation: takes SCT or ENG"),
    (WHOLE.replace('default_centre = "C"', 'default_centre = "X"'), "no [[centre]] has the code X"),
    (WHOLE.replace('name = "A"', "name = 1"), "[site], name: takes text in quotes"),
    (WHOLE.replace('name = "A"', 'name = " "'), "[site], name: may not be empty"),
    (WHOLE.replace('code = "H"', 'code = "H/1"'), "code: may not contain a slash"),
    (WHOLE.replace('hospital = "H"', 'hospital = "X"'), "no [[hospital]] has the code X"),
    (WHOLE.replace('name = "Ward"\n', ""), "[[ward]] 1 (W), name: this key is required"),
    (WHOLE + WARD, "[[ward]] 2 (W): the same code in its hospital as site.toml, [[ward]] 1 (W)"),
    (WHOLE + HOSPITAL, "[[hospital]] 2 (H): the same code"),
    (WHOLE + CENTRE, "[[centre]] 2 (C): the same code"),
    (WHOLE + '[[feed]]\nname = "a"\n' * 2, "[[feed]] 2 (a): the same name"),
    (WHOLE + '[[feed]]\nname = "a"\n[[feed]]\nname = "b"\n', "[[feed]] 2 (b): the same sender"),
    (WHOLE.replace("[[ward]]", '[[ward]]\nlive = "yes"'), "live: takes true or false"),
    (WHOLE + 'events = ["planned", "left"]\n', "events: there is no event left"),
    (WHOLE + 'events = ["on-leave"]\n', "event on-leave is not part of this release"),
    (WHOLE + 'events = "planned"\n', "events: takes a list"),
    (WHOLE + 'channel = "smtp"\n', "channel smtp needs the address to write to"),
    (WHOLE + 'channel = "pigeon"\n', "channel: takes inbox or fhir or smtp or kafka"),
    (WHOLE + 'email = "a@b, c@d"\n', "takes one e-mail address"),
    (WHOLE + 'fhir_url = "http://f.example"\n', "fhir_url: plain http"),
    (WHOLE + '[[feed]]\nname = "a"\ncharset = "cp9"\n', "(a), charset: takes the name of"),
    (WHOLE + '[[feed]]\nname = "a"\ncharset = "utf-16"\n', "(a), charset: takes the name of"),
    (WHOLE + '[[feed]]\nname = "a"\nack_mode = "x"\n', "takes auto or original or enhanced"),
    (WHOLE + '[[feed]]\nname = "a"\nidentifiers = { "X" = "y" }\n', "identifiers: takes a table"),
    (WHOLE + '[[feed]]\nname = "a"\ndischarge_method_field = 0\n', "takes the number of a PV1"),
    (WHOLE + '[[feed]]\nname = "a"\ntime_zone = "Scotland"\n', "takes the name of a time zone"),
    (WHOLE + '[[feed]]\nname = "a"\nways = ["mllp"]\n', "takes a list of folder and kafka"),
    (WHOLE + '[[feed]]\nname = "a"\nplanned_date_field = "PV2-8"\n', 'takes "PV2-9", "ZU1-24"'),
    (WHOLE + '[[feed]]\nname = "a"\npatient_classes = { "X" = "ward" }\n', "takes a table such"),
    (WHOLE + '[[feed]]\nname = "a"\ndeath_methods = "4"\n', "takes a list"),
    (WHOLE + '[[feed]]\nname = "a"\ndischarge_method_field = 37\n', "cannot be the same PV1"),
    (WHOLE + "[policy]\nnotices = 1\n", "[policy], notices: there is no policy value named"),
    (WHOLE + "[policy]\nnotice = -1\n", "[policy], notice: out of range"),
    (WHOLE + '[policy]\nnotice = "1"\n', "[policy], notice: takes a number"),
    (WHOLE + "[policy]\nnotice = true\n", "[policy], notice: takes a number"),
    (WHOLE.replace('"H"', '"THINKCARER"'), "THINKCARER is reserved for the probe"),
    (
        WHOLE + WARD.replace('"H"', '"THINKCARER"').replace('"W"', '"PROBE"'),
        "this ward is reserved for the probe",
    ),
    ("[site\n", "site.toml: this is not TOML"),
]


@pytest.mark.parametrize(("words", "says"), FAULTS, ids=[says for _, says in FAULTS])
def test_a_fault_says_where_and_what_to_do(tmp_path: Path, words: str, says: str):
    assert any(says in fault for fault in _faults(_file(tmp_path, words)))


def test_every_fault_is_told_at_once(tmp_path: Path):
    words = (
        WHOLE.replace("SCT", "WLS").replace('hospital = "H"', 'hospital = "X"') + WARD + "a = 1\n"
    )
    assert len(_faults(_file(tmp_path, words))) == 3


def test_a_file_that_does_not_read_is_told_alone(tmp_path: Path):
    (tmp_path / "latin.toml").write_bytes(SITE.replace("A", "\xe9").encode("latin-1"))
    assert _faults(tmp_path / "latin.toml") == ("latin.toml: the file is not UTF-8.",)
    assert _faults(tmp_path / "none.toml") == ("none.toml: the file cannot be read.",)


def test_an_empty_folder_and_a_second_site_table_are_told(tmp_path: Path):
    assert "no .toml file" in _faults(tmp_path)[0]
    _file(tmp_path, WHOLE)
    (tmp_path / "two.toml").write_text(SITE + "[policy]\nnotice = 1\n")
    (tmp_path / "zwei.toml").write_text("[policy]\nnotice = 2\n")
    told = _faults(tmp_path)
    assert any("two.toml, [site]: there is a second [site] table" in fault for fault in told)
    assert any("zwei.toml, [policy], notice: this stands in another file" in f for f in told)


def _file(folder: Path, words: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "site.toml").write_text(words)
    return folder / "site.toml"


def _faults(path: Path) -> tuple[str, ...]:
    with pytest.raises(SiteInvalid) as told:
        load_site(path)
    return told.value.faults


def test_a_feed_of_any_sender_without_authorities_is_warned_of():
    known = Feed("pas", "TRAK", "L302H")
    any_sender = Feed("all", visit_authority="LAN")
    named = Feed("both", visit_authority="LAN", patient_authority="LAN")
    [warning] = unattributed(replace(load_site(None), feeds=(known, any_sender, named)))
    assert "Feed all takes messages of more than one sender" in warning
    assert "no patient_authority" in warning
    assert "visit_authority" not in warning
