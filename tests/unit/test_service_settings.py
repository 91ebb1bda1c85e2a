"""The settings: read once, every fault at once, secrets masked."""

from pathlib import Path

import pytest
import trustme

from service.settings import Settings, SettingsInvalid


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
    assert settings.tls_context() is None
    assert settings.client_tls() is None


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
        ("KAFKA_BROKERS", "x", "not part of this release"),
        ("DROP_FOLDER", "x", "not part of this release"),
        ("FHIR_URL", "x", "not part of this release"),
        ("SMTP_URL", "x", "not part of this release"),
        ("OIDC_ISSUER", "x", "not part of this release"),
    ],
)
def test_a_fault_names_the_setting_and_says_what_it_takes(name: str, value: str, says: str):
    [fault] = [f for f in faults(**{name: value}) if says in f]
    assert fault.startswith(f"THINKCARER_{name}")
    assert "hush" not in fault


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
            settings.tls_context()


def test_a_client_ca_turns_on_mutual_tls(tmp_path: Path):
    cert, key, ca = _pem_files(tmp_path)
    plain = load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key).tls_context()
    mutual = load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key, MLLP_TLS_CLIENT_CA=ca).tls_context()
    assert plain is not None
    assert mutual is not None
    assert (plain.verify_mode.name, mutual.verify_mode.name) == ("CERT_NONE", "CERT_REQUIRED")
    assert load(MLLP_TLS_CERT=cert, MLLP_TLS_KEY=key).client_tls() is not None


def _pem_files(folder: Path) -> tuple[str, str, str]:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return str(folder / "cert.pem"), str(folder / "key.pem"), str(folder / "ca.pem")


ANY_KEY = "k" * 32
