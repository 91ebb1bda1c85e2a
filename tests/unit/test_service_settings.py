"""The settings: read once, every fault at once, secrets masked."""

from pathlib import Path

import pytest
import trustme

from service.settings import Settings, SettingsInvalid
from service.tls import client_tls, server_tls


def load(on_terminal: bool = False, **given: str) -> Settings:
    environ = {f"THINKCARER_{name}": value for name, value in given.items()}
    return Settings.load(environ | {"PATH": "/usr/bin"}, on_terminal)


def faults(**given: str) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as told:
        load(**given)
    return told.value.faults


def test_nothing_set_means_the_defaults():
    settings = load()
    assert settings.database_url == "sqlite:///thinkcarer.db"
    assert settings.site is None
    assert settings.mllp_address == ("127.0.0.1", 2575)
    assert settings.http_address == ("127.0.0.1", 8000)
    assert settings.max_message_bytes == 1_048_576
    assert settings.mllp_peer_connections == 128
    assert server_tls(settings) is None
    assert client_tls(settings) is None
    assert settings.kafka_brokers == ()
    assert (settings.kafka_in_topic, settings.kafka_out_topic) == ("adt.hl7v2", "carer.notices")


def test_logs_are_for_people_on_a_terminal_and_for_machines_elsewhere():
    assert load(on_terminal=True).log_format == "console"
    assert load(on_terminal=False).log_format == "json"
    assert load(on_terminal=True, LOG_FORMAT="json").log_format == "json"


def test_an_empty_value_means_the_default():
    assert load(MLLP_ADDRESS="", LOG_FORMAT=" ", SECRET_KEY=ANY_KEY) == load(SECRET_KEY=ANY_KEY)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("0.0.0.0:2575", ("0.0.0.0", 2575)),  # noqa: S104
        ("[::1]:2575", ("::1", 2575)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_is_host_and_port(given: str, read: tuple[str, int]):
    assert load(MLLP_ADDRESS=given).mllp_address == read


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgresql://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql+psycopg://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("sqlite:////var/lib/thinkcarer.db", "sqlite:////var/lib/thinkcarer.db"),
    ],
)
def test_postgresql_is_always_reached_through_psycopg(given: str, read: str):
    assert load(DATABASE_URL=given).database_url == read


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "thinkcarer.db", "not a database URL"),
        ("DATABASE_URL", "mysql://u:hush@h/db", "mysql is not supported"),
        ("SITE", "/nowhere/site.toml", "no file /nowhere/site.toml"),
        ("MLLP_ADDRESS", "2575", "HOST:PORT"),
        ("MLLP_ADDRESS", "127.0.0.1:", "HOST:PORT"),
        ("MLLP_ADDRESS", "127.0.0.1:65536", "HOST:PORT"),
        ("HTTP_ADDRESS", ":8000", "HOST:PORT"),
        ("MAX_MESSAGE_BYTES", "1 MB", "whole number"),
        ("MAX_MESSAGE_BYTES", "0", "whole number"),
        ("MLLP_PEER_CONNECTIONS", "-1", "whole number"),
        ("LOG_FORMAT", "xml", "console or json"),
        ("SECRET_KEY", "short", "at least 16"),
        ("MLLP_TLS_CERT", "/nowhere/cert.pem", "no file"),
        ("DATABSE_URL", "x", "not a setting"),
        ("KAFKA_BROKERS", "kafka", "HOST:PORT, several with commas"),
        ("KAFKA_BROKERS", "kafka:9092,other", "HOST:PORT, several with commas"),
        ("KAFKA_IN_TOPIC", "adt hl7", "letters, digits"),
        ("KAFKA_SECURITY", "tls", "ssl or sasl_ssl"),
        ("KAFKA_SECURITY", "ssl", "needs THINKCARER_KAFKA_BROKERS"),
        ("KAFKA_USER", "u", "does not go over a plain connection"),
        ("DROP_FOLDER", "/nowhere", "no folder /nowhere"),
        ("FHIR_URL", "fhir.example", "takes an address"),
        ("FHIR_URL", "http://fhir.example/r4", "use https"),
        ("FHIR_URL", "https://u:hush@fhir.example", "without sign-in"),
        ("FHIR_URL", "https://fhir.example:x", "takes an address"),
        ("FHIR_PRIVATE_KEY", "/nowhere/hush.pem", "private key in PEM"),
        ("FHIR_TOKEN", "hush", "THINKCARER_FHIR_URL"),
        ("OIDC_ISSUER", "x", "not part of this release"),
    ],
)
def test_a_fault_names_the_setting_and_says_what_it_takes(name: str, value: str, says: str):
    [fault] = [f for f in faults(**{name: value}) if says in f]
    assert fault.startswith(f"THINKCARER_{name}")
    assert "hush" not in fault


def test_servers_are_read_as_they_are_written():
    read = load(
        KAFKA_BROKERS="one:9092, two:9093",
        KAFKA_SECURITY="sasl_ssl",
        KAFKA_USER="u",
        KAFKA_PASSWORD="hush",  # noqa: S106
        FHIR_URL="http://127.0.0.1:8080/fhir/",
        SMTP_URL="smtps://u:hush@mail.example",
    )
    assert read.kafka_brokers == ("one:9092", "two:9093")
    assert read.fhir_url == "http://127.0.0.1:8080/fhir"
    shown = {each.name: each.value for each in read.shown()}
    assert "hush" not in repr(read) + repr(shown)
    assert shown["THINKCARER_KAFKA_BROKERS"] == "one:9092,two:9093"


def test_a_private_key_is_given_itself_or_by_its_file(tmp_path: Path):
    _, key, _ = _pem_files(tmp_path)
    smart = {"FHIR_URL": "https://f.example", "FHIR_TOKEN_URL": "https://t.example/token"}
    by_file = load(**smart, FHIR_CLIENT_ID="us", FHIR_PRIVATE_KEY=key)
    itself = load(**smart, FHIR_CLIENT_ID="us", FHIR_PRIVATE_KEY=Path(key).read_text())
    assert by_file.fhir_private_key.strip() == itself.fhir_private_key
    assert "PRIVATE KEY" not in repr(by_file) + repr(by_file.shown())


def test_what_signs_for_a_token_goes_together():
    [fault] = faults(FHIR_URL="https://f.example", FHIR_CLIENT_ID="us")
    assert "set all three" in fault


def test_one_way_to_a_token_excludes_the_other(tmp_path: Path):
    _, key, _ = _pem_files(tmp_path)
    [fault] = faults(
        FHIR_URL="https://f.example",
        FHIR_TOKEN="t",  # noqa: S106
        FHIR_TOKEN_URL="https://t.example",  # noqa: S106
        FHIR_CLIENT_ID="us",
        FHIR_PRIVATE_KEY=key,
    )
    assert "exclude each other" in fault


def test_every_fault_is_told_at_once():
    told = faults(DATABASE_URL="x", MLLP_ADDRESS="x", LOG_FORMAT="x", KAFKA_CA="x", NEW="x")
    assert len(told) == 5


def test_the_secret_key_is_required_unless_only_this_machine_reaches_the_pages():
    assert load().http_is_loopback
    assert load(HTTP_ADDRESS="[::1]:8000").secret_key
    [fault] = faults(HTTP_ADDRESS="0.0.0.0:8000")
    assert "SECRET_KEY is required" in fault
    assert not load(HTTP_ADDRESS="0.0.0.0:8000", SECRET_KEY=ANY_KEY).http_is_loopback


def test_without_a_secret_key_each_start_makes_its_own():
    assert load().secret_key != load().secret_key


def test_secrets_are_masked_wherever_settings_are_shown():
    settings = load(
        DATABASE_URL="postgresql://user:h@u:s/h@db.example/thinkcarer?sslpassword=hush2&a=1",
        SECRET_KEY=ANY_KEY,
    )
    shown = {each.name: each.value for each in settings.shown()}
    assert set(shown["THINKCARER_SECRET_KEY"]) == {"*"}
    assert (
        shown["THINKCARER_DATABASE_URL"]
        == "postgresql+psycopg://user:********@db.example/thinkcarer?sslpassword=********&a=1"
    )
    assert ANY_KEY not in repr(settings)
    assert shown["THINKCARER_MLLP_ADDRESS"] == "127.0.0.1:2575"
    assert all(each.meaning for each in settings.shown())


def test_certificate_and_key_go_together(tmp_path: Path):
    cert, _, ca = _pem_files(tmp_path)
    [fault] = faults(MLLP_TLS_CERT=cert)
    assert "go together" in fault
    [fault] = faults(MLLP_TLS_CLIENT_CA=ca)
    assert "needs THINKCARER_MLLP_TLS_CERT" in fault


def test_files_that_are_no_certificates_are_told_by_name(tmp_path: Path):
    cert, key, ca = _pem_files(tmp_path)
    for setting in ("MLLP_TLS_CERT", "MLLP_TLS_CLIENT_CA"):
        given = {"MLLP_TLS_CERT": cert, "MLLP_TLS_KEY": key, "MLLP_TLS_CLIENT_CA": ca}
        (tmp_path / "letter.pem").write_text("This is a letter.")
        settings = load(**given | {setting: str(tmp_path / "letter.pem")})
        with pytest.raises(SettingsInvalid, match=setting):
            server_tls(settings)


def test_a_client_ca_turns_on_mutual_tls(tmp_path: Path):
    cert, key, ca = _pem_files(tmp_path)
    plain = server_tls(load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key))
    mutual = server_tls(load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key, MLLP_TLS_CLIENT_CA=ca))
    assert plain is not None
    assert mutual is not None
    assert (plain.verify_mode.name, mutual.verify_mode.name) == ("CERT_NONE", "CERT_REQUIRED")
    assert client_tls(load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key)) is not None


def _pem_files(folder: Path) -> tuple[str, str, str]:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return str(folder / "cert.pem"), str(folder / "key.pem"), str(folder / "ca.pem")


ANY_KEY = "k" * 32
