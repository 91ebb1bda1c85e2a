"""The image and the Compose file agree with the settings, the commands and the documents."""

import json
import re
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema.validators import validator_for

from service.cli import COMMANDS
from service.settings import PREFIX, Settings
from service.site import load_site
from service.web import machines
from tests.support import shipping
from tests.support.tree import ROOT, named, pyproject, tracked

DEPLOY = (ROOT / shipping.DEPLOY).read_text()
SCHEMA = ROOT / "tests/support/compose"
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|PRIVATE|_KEY$")
ENVIRON = {"POSTGRES_PASSWORD": "made0up0for0the0test", "SECRET_KEY": "made0up0for0the0test"}
COMPOSE = shipping.compose(ENVIRON)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = shipping.ours(SERVICES)
VERSION = pyproject()["project"]["version"]
NAMES = {PREFIX + each.name.upper() for each in fields(Settings)}


def test_every_image_has_a_tag_that_stays_what_it_is():
    built = {each.words[0] for each in shipping.instructions("FROM")}
    images = {service["image"] for service in SERVICES.values()}
    tagged = re.compile(r"[\w./-]+:(?!latest)[\w.-]*\d[\w.-]*")
    assert [image for image in built | images if not tagged.fullmatch(image)] == []


def test_the_image_bears_the_version_of_the_release():
    assert {service["image"] for service in OURS.values()} == {f"thinkcarer:{VERSION}"}
    assert f"thinkcarer:{VERSION}" in (ROOT / "Dockerfile").read_text()


def test_the_image_is_built_from_the_lock_file_alone():
    installs = [each.rest for each in shipping.instructions("RUN") if "pip install" in each.rest]
    assert any("--require-hashes" in line and "requirements.lock" in line for line in installs)
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert not re.findall(
        r"--(?:extra-)?index|--find-links|://(?!127\.0\.0\.1)", " ".join(installs)
    )


def test_the_image_does_not_run_as_root_and_ends_when_it_is_told():
    stage = {each.name: each for each in shipping.last_stage()}
    uid, gid = stage["USER"].rest.split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert stage["STOPSIGNAL"].rest == "SIGTERM"


def test_the_image_carries_no_secret():
    assert [name for name in shipping.image_environment() if SECRET.search(name)] == []
    assert shipping.instructions("ARG") == []


def test_what_the_image_starts_is_a_command():
    stage = {each.name: each for each in shipping.last_stage()}
    assert stage["ENTRYPOINT"].words == ["thinkcarer"]
    assert set(stage["CMD"].words) <= _commands()


def test_the_settings_of_the_image_are_sound_and_its_ports_are_exposed():
    given = shipping.image_environment()
    settings = Settings.load(given | {f"{PREFIX}SECRET_KEY": "x" * 16}, on_terminal=False)
    exposed = {int(port) for each in shipping.instructions("EXPOSE") for port in each.words}
    assert exposed == {settings.mllp_address[1], settings.http_address[1]}
    (volume,) = (each.rest for each in shipping.instructions("VOLUME"))
    assert settings.database_url.startswith(f"sqlite:///{volume}/")


def test_without_a_secret_the_image_says_what_is_missing():
    with pytest.raises(Exception, match="SECRET_KEY is required"):
        Settings.load(shipping.image_environment(), on_terminal=False)


def test_health_is_asked_where_the_service_answers():
    asked = (ROOT / "Dockerfile").read_text() + shipping.compose_text()
    addresses = re.findall(r"urlopen\('http://127\.0\.0\.1:(\d+)(/[\w/]+)'", asked)
    paths = {getattr(route, "path", "") for route in machines.router.routes}
    assert {path for _, path in addresses} <= paths
    assert {port for port, _ in addresses} == {"8000"}


def test_the_image_holds_the_service_and_nothing_of_ours():
    entering = {file for file in map(named, tracked()) if shipping.enters_the_image(file)}
    tops = {file.split("/")[0] for file in entering}
    packages = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]  # type: ignore[index]
    wanted = {*packages["packages"], *packages["force-include"]}
    assert tops == wanted | {"LICENSE", "README.md", "pyproject.toml", "requirements.lock"}
    assert {"fixtures/register/lanarkshire.csv", "service/demo_site.toml"} <= entering


def test_the_compose_file_is_what_the_specification_says():
    schema = json.loads((SCHEMA / "compose-spec.json").read_text())
    faults = validator_for(schema)(schema).iter_errors(COMPOSE)
    assert [f"{'/'.join(map(str, each.path))}: {each.message}" for each in faults] == []


def test_the_schema_is_the_one_that_its_page_names():
    digest = sha256((SCHEMA / "compose-spec.json").read_bytes()).hexdigest()
    assert digest in (SCHEMA / "README.md").read_text()


def test_every_setting_that_is_shipped_is_a_setting():
    shipped = shipping.compose_text() + (ROOT / "Dockerfile").read_text()
    written = set(re.findall(rf"{PREFIX}[A-Z_]+", shipped + DEPLOY))
    assert written - NAMES == set()


def test_every_secret_must_be_given():
    taken = shipping.variables()
    assert {name: how for name, how in taken.items() if SECRET.search(name) and how != "?"} == {}
    literal = [
        f"{service}: {name}"
        for service, each in shipping.compose(dict.fromkeys(ENVIRON, "@@"))["services"].items()
        for name, value in each.get("environment", {}).items()
        if SECRET.search(name) and value != "@@"
    ]
    assert literal == []


@pytest.mark.parametrize("missing", ENVIRON)
def test_without_a_secret_nothing_starts(missing: str):
    with pytest.raises(KeyError, match=missing):
        shipping.compose({name: value for name, value in ENVIRON.items() if name != missing})


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_every_container_are_sound(name: str):
    service = OURS[name]
    assert Settings.load(_on_this_machine(service), on_terminal=False).database_url.startswith(
        "postgresql+psycopg://thinkcarer:"
    )


@pytest.mark.parametrize("name", OURS)
def test_the_site_file_of_every_container_can_be_read(name: str):
    assert load_site(Path(_on_this_machine(OURS[name])[f"{PREFIX}SITE"])).hospitals


@pytest.mark.parametrize("name", OURS)
def test_every_container_may_do_as_little_as_it_can(name: str):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"][0].startswith("/tmp:")  # noqa: S108 - of the container
    assert "privileged" not in service
    assert "user" not in service


def test_what_the_containers_start_are_commands():
    started = {word for service in OURS.values() for word in service.get("command", ["run"])}
    assert started <= _commands()
    assert {"run", "listen", "work", "deliver", "web", "migrate"} <= started


def test_only_the_mllp_port_may_be_opened_to_others():
    published = {port for service in SERVICES.values() for port in service.get("ports", ())}
    assert published == {"127.0.0.1:2575:2575", "127.0.0.1:8000:8000"}
    open_wide = shipping.compose(ENVIRON | {"MLLP_PUBLISHED_ON": "192.0.2.7"})["services"]
    moved = {port for service in open_wide.values() for port in service.get("ports", ())}
    assert moved - published == {"192.0.2.7:2575:2575"}


def test_the_published_ports_are_those_the_service_listens_on():
    for service in OURS.values():
        environ = service["environment"]
        ports = {environ[f"{PREFIX}{name}_ADDRESS"].split(":")[1] for name in ("MLLP", "HTTP")}
        assert {port.rsplit(":", 1)[1] for port in service.get("ports", ())} <= ports


def test_the_topics_are_made_before_they_are_used():
    made = " ".join(SERVICES["topics"]["command"])
    for name, service in OURS.items():
        environ = service["environment"]
        assert environ[f"{PREFIX}KAFKA_IN_TOPIC"] in made
        assert environ[f"{PREFIX}KAFKA_OUT_TOPIC"] in made
        assert name == "migrate" or "topics" in service["depends_on"]


def test_what_is_waited_for_exists_and_can_say_that_it_is_ready():
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            waited = SERVICES[other]
            is_healthy = "test" in waited.get("healthcheck", {})
            assert how["condition"] != "service_healthy" or is_healthy, f"{name} waits for {other}"
            assert set(waited.get("profiles", [])) <= set(service.get("profiles", [])), other


def test_the_fhir_server_is_on_the_loopback_address_of_who_delivers():
    shared = {
        service["network_mode"]: service["environment"]["SERVER_PORT"]
        for service in SERVICES.values()
        if "network_mode" in service
    }
    assert set(shared) == {"service:thinkcarer", "service:deliver"}
    for service in OURS.values():
        url = service["environment"][f"{PREFIX}FHIR_URL"]
        assert {f"http://127.0.0.1:{port}/fhir" for port in shared.values()} == {url}


def test_every_variable_port_and_image_is_explained():
    named_images = {service["image"].split(":")[0] for service in SERVICES.values()}
    ports = {each for service in SERVICES.values() for each in service.get("ports", ())}
    wanted = {*shipping.variables(), *named_images, *(each.rsplit(":", 1)[1] for each in ports)}
    wanted |= {profile for service in SERVICES.values() for profile in service.get("profiles", ())}
    assert [word for word in sorted(wanted) if f"`{word}`" not in DEPLOY] == []


def _on_this_machine(service: dict[str, Any]) -> dict[str, str]:
    """The environment of a container with its mounted files where they are here."""
    environ = dict(service["environment"])
    for mounted in service["volumes"]:
        for name, value in environ.items():
            if value == mounted["target"]:
                environ[name] = str(ROOT / mounted["source"])
    return environ


def _commands() -> set[str]:
    app = typer.Typer()
    for add in COMMANDS:
        add(app)
    return {str(command.name) for command in app.registered_commands}
