"""The fixture day by each way in, and by two at once, ends in the same state."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from service.commands.fixture_day import messages, register_file, shift_to_end_at
from service.database import connect
from service.probe import LONDON
from tests.support.fixture_day import end_result
from tests.support.kafka_server import create_topic, produce
from tests.support.running_service import RunningService, send_one
from tests.support.services import kafka_brokers

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("topic-in"),
]

Day = Sequence[bytes]
Way = Callable[[RunningService, Day], None]


@pytest.fixture(scope="module")
def day() -> Day:
    """The same bytes for every way."""
    now = datetime.now(UTC).astimezone(LONDON)
    return [m.raw for m in messages(shift_to_end_at(now))]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningService]]:
    """Makes started deployments of the demo site with the fixture register."""
    made: list[RunningService] = []
    numbers = count()

    def new(**settings: str) -> RunningService:
        place = tmp_path_factory.mktemp("day") / str(next(numbers))
        (place / "drop").mkdir(parents=True)
        ours = {f"THINKCARER_{name}": value for name, value in settings.items()}
        ours["THINKCARER_DROP_FOLDER"] = str(place / "drop")
        service = RunningService(place, f"sqlite:///{place}/line.db", ours)
        imported = service.command("register", "import", str(register_file()))
        assert imported.returncode == 0, imported.stderr
        made.append(service)
        return service

    yield new
    for service in made:
        service.end()


def by_mllp(service: RunningService, day: Day) -> None:
    send_one(service.mllp_port, [m for m in day if m])


def by_http(service: RunningService, day: Day) -> None:
    headers = {
        "Authorization": f"Bearer {service.settings['FEED_TOKEN']}",
        "Content-Type": "application/hl7-v2",
    }
    with httpx2.Client(headers=headers, timeout=30) as client:
        for message in day:
            answer = client.post(service.url("/hl7v2"), content=message)
            assert answer.status_code == 200, answer.text


def by_folder(service: RunningService, day: Day) -> None:
    """Each message a file, written beside and put in place by one move."""
    folder = Path(service.settings["THINKCARER_DROP_FOLDER"])
    for number, message in enumerate(day):
        part = folder / f"{number:03d}.part"
        part.write_bytes(message)
        part.rename(folder / f"{number:03d}.hl7")


def by_topic(service: RunningService, day: Day) -> None:
    topic = service.settings["THINKCARER_KAFKA_IN_TOPIC"]
    produce(kafka_brokers(), topic, [("day", message) for message in day])


@pytest.fixture(scope="module")
def plain(deployed: Callable[..., RunningService], day: Day) -> list[tuple[object, ...]]:
    """What the day comes to by MLLP."""
    return _result(deployed(), day, by_mllp)


@pytest.mark.parametrize("way", [by_http, by_folder], ids=["http", "folder"])
def test_the_day_by_another_way_ends_in_the_same_state(
    deployed: Callable[..., RunningService], day: Day, plain: list[tuple[object, ...]], way: Way
):
    service = deployed()
    if way is by_http:
        service = _with_token(service)
    assert _result(service, day, way) == plain


def test_the_day_by_a_topic_ends_in_the_same_state(
    deployed: Callable[..., RunningService], day: Day, plain: list[tuple[object, ...]]
):
    assert _result(deployed(**_topics()), day, by_topic) == plain


def test_the_day_by_two_ways_at_once_has_one_effect(
    deployed: Callable[..., RunningService], day: Day, plain: list[tuple[object, ...]]
):
    def both(service: RunningService, day: Day) -> None:
        by_topic(service, day)
        by_mllp(service, day)

    service = deployed(**_topics())
    assert _result(service, day, both) == plain
    with connect(service.database_url, writing=False) as database, database.read() as tx:
        repeats = tx.execute(text("select sum(repeats) from journal")).scalar_one()
    assert int(repeats) >= len(set(day))


def _topics() -> dict[str, str]:
    name = f"adt-{uuid4()}"
    create_topic(kafka_brokers(), name)
    create_topic(kafka_brokers(), f"{name}-out")
    return {
        "KAFKA_BROKERS": kafka_brokers(),
        "KAFKA_IN_TOPIC": name,
        "KAFKA_OUT_TOPIC": f"{name}-out",
    }


def _with_token(service: RunningService) -> RunningService:
    made = service.command("token", "create", "--role", "feed")
    assert made.returncode == 0, made.stderr
    service.settings = {**service.settings, "FEED_TOKEN": made.stdout.split()[-1]}
    return service


def _result(service: RunningService, day: Day, way: Way) -> list[tuple[object, ...]]:
    service.start()
    way(service, day)
    _all_in(service, day)
    service.settle()
    assert service.stop() == 0
    with connect(service.database_url, writing=False) as database:
        return [tuple(_alike(value) for value in row) for row in end_result(database)]


def _alike(value: object) -> object:
    """What MLLP and HTTP refuse, the others park; what a batch decides has no order within."""
    if value == "refused":
        return ["parked"]
    return sorted(value.split(", ")) if isinstance(value, str) else value


def _all_in(service: RunningService, day: Day) -> None:
    """Until every message is a row of the journal or counted as a repeat of one."""
    service.wait_for(lambda: len(service.rows("journal")) >= len(set(day)))
