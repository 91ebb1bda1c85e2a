"""What is judged: a deployment of its own with wards, centres of three kinds, and a register."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.simulate import Traffic, register_csv
from tests.judge.blows import Blow
from tests.judge.hospital import WARDS, ward
from tests.judge.receivers import FhirServer, fhir_server
from tests.support.kafka_server import a_name, create_topic
from tests.support.mail_server import Postbox, mail_server
from tests.support.running_service import RunningService

STAYS_A_BLOW = 16
CENTRES = ("FHIRSIDE", "TOPICSIDE", "MAILSIDE")


@dataclass(frozen=True)
class Plan:
    """One trial: on which database, by which ways, what happens, and with which bug, if any."""

    folder: Path
    database_url: str
    blows: Sequence[Blow]
    roles: tuple[str, ...] = ("run",)
    """One process each; the blow meets the first."""
    bug: str = ""
    brokers: str = ""
    """Empty: neither a topic in nor one out."""
    pause: float = 0.1
    """Seconds between a sender's messages."""
    settles_in: float = 120.0
    """Seconds after the last blow until every effect must be seen; leases of the dead run out."""

    @property
    def stays(self) -> int:
        """More than there will be time for."""
        return 400 + STAYS_A_BLOW * len(self.blows)


class Command(Protocol):
    """Runs one command of the service to its end."""

    def __call__(self, service: RunningService, /, *words: str) -> object: ...


@dataclass(frozen=True)
class Receivers:
    """Who is told."""

    fhir: FhirServer
    mail: Postbox


@contextmanager
def deployed(plan: Plan, command: Command) -> Iterator[tuple[RunningService, Receivers]]:
    """A migrated database, a site of its own, and everybody's carer on the register."""
    with fhir_server() as fhir, mail_server() as mail:
        drop, site = plan.folder / "drop", plan.folder / "site.toml"
        drop.mkdir(parents=True)
        site.write_text(_site(plan, fhir.url))
        settings = {
            "THINKCARER_SITE": str(site),
            "THINKCARER_FHIR_URL": fhir.url,
            "THINKCARER_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "THINKCARER_DROP_FOLDER": str(drop),
            **_topics(plan),
        }
        service = RunningService(plan.folder, plan.database_url, settings)
        register = plan.folder / "register.csv"
        header, *rows = register_csv(Traffic(registered=plan.stays)).splitlines()
        told = (row.replace("LANCARERS", CENTRES[n % 3]) for n, row in enumerate(rows))
        register.write_text("\n".join((header, *told)) + "\n")
        command(service, "migrate")
        command(service, "register", "import", str(register))
        yield service, Receivers(fhir, mail)


def _topics(plan: Plan) -> dict[str, str]:
    if not plan.brokers:
        return {}
    names = [create_topic(plan.brokers, a_name(f"judged-{way}")) for way in ("in", "out")]
    return {
        "THINKCARER_KAFKA_BROKERS": plan.brokers,
        "THINKCARER_KAFKA_IN_TOPIC": names[0],
        "THINKCARER_KAFKA_OUT_TOPIC": names[1],
    }


def _site(plan: Plan, url: str) -> str:
    wards = "\n".join(
        f'[[ward]]\ncode = "{ward(number)}"\nhospital = "L302H"\nname = "Ward {number}"'
        for number in range(WARDS)
    )
    side = 'channel = "kafka"' if plan.brokers else 'channel = "inbox"'
    return f"""
[site]
name = "Judged"
nation = "SCT"
default_centre = "FHIRSIDE"
url = "https://carers.example"
[[hospital]]
code = "L302H"
name = "Monklands"
hub_phone = "01632 960001"
{wards}
[[centre]]
code = "FHIRSIDE"
name = "Carers with a server"
phone = "01632 960002"
channel = "fhir"
fhir_url = "{url}"
[[centre]]
code = "TOPICSIDE"
name = "Carers on the topic"
phone = "01632 960003"
{side}
[[centre]]
code = "MAILSIDE"
name = "Carers with a letter box"
phone = "01632 960004"
channel = "smtp"
email = "desk@mailside.example"
[[feed]]
name = "pas"
sending_application = "TRAK"
"""
