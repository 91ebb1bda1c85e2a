"""Feeds with an MLLP address or certificates of their own, as the site file names them."""

from pathlib import Path

import pytest

from service.site import Entrance, SiteInvalid, entrances_of, load_site, rules_of

GENERAL = ("127.0.0.1", 2575)
WHOLE = """
[site]
name = "A"
nation = "SCT"
default_centre = "C"

[[centre]]
code = "C"
name = "Centre"

[[feed]]
name = "pas"
sending_application = "PAS"

[[feed]]
name = "lab"
sending_application = "LAB"
"""


def test_feeds_without_an_address_share_the_general_one(tmp_path: Path) -> None:
    site = load_site(_file(tmp_path, ""))
    assert entrances_of(site, GENERAL) == (Entrance(GENERAL, rules_of(site)),)


def test_a_feed_with_an_address_comes_in_there_alone(tmp_path: Path) -> None:
    site = load_site(_file(tmp_path, 'address = "[::1]:2576"'))
    pas, lab = rules_of(site)
    assert entrances_of(site, GENERAL) == (
        Entrance(GENERAL, (pas,)),
        Entrance(("::1", 2576), (lab,)),
    )


def test_the_general_address_stays_open_where_every_feed_has_its_own(tmp_path: Path) -> None:
    file = _file(tmp_path, 'address = "127.0.0.1:2576"')
    file.write_text(file.read_text().replace('"PAS"', '"PAS"\naddress = "127.0.0.1:2576"'))
    site = load_site(file)
    assert entrances_of(site, GENERAL) == (
        Entrance(GENERAL, ()),
        Entrance(("127.0.0.1", 2576), rules_of(site)),
    )


def test_a_feed_may_name_the_general_address(tmp_path: Path) -> None:
    site = load_site(_file(tmp_path, 'address = "127.0.0.1:2575"'))
    assert entrances_of(site, GENERAL) == (Entrance(GENERAL, rules_of(site)),)


def test_a_feed_lists_the_certificates_it_takes_messages_from(tmp_path: Path) -> None:
    site = load_site(_file(tmp_path, 'certificate_names = ["engine.lab.example", "lab-spare"]'))
    assert [rule.certificate_names for rule in rules_of(site)] == [
        (),
        ("engine.lab.example", "lab-spare"),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("certificate_names = []", "takes at least one name"),
        ('certificate_names = [""]', "may not be empty"),
        ('certificate_names = "lab"', "takes a list"),
        ('address = "2576"', "takes HOST:PORT"),
        ('address = ":2576"', "takes HOST:PORT"),
        ('address = "127.0.0.1:0"', "takes a port"),
        ('address = "127.0.0.1:65536"', "takes HOST:PORT"),
        ("address = 2576", "takes text"),
    ],
)
def test_what_a_feed_cannot_say_is_a_fault(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(SiteInvalid) as told:
        load_site(_file(tmp_path, line))
    (said,) = told.value.faults
    assert said.startswith(f"site.toml, [[feed]] 2 (lab), {line.split()[0]}: ")
    assert fault in said


def _file(folder: Path, line: str) -> Path:
    """A site whose second feed says this too."""
    file = folder / "site.toml"
    file.write_text(f"{WHOLE}{line}\n")
    return file
