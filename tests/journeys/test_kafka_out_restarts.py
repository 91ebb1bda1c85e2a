"""Brokers that are killed or stand still while notices go out: none lost, and none out of order."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from alerts.channels.kafka_producer import Brokers, Waits
from alerts.channels.kafka_topic import KafkaTopic
from alerts.delivery import Accepted, Unavailable
from tests.support.kafka_records import a_parcel, a_topic, alerts_by_stay, parcels_of, records
from tests.support.restarting import OwnServers

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("kafka_out_restarts"),
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    servers = OwnServers(tmp_path_factory.mktemp("kafka"))
    servers.start("kafka")
    yield servers
    servers.stop()


def test_a_broker_killed_in_the_middle_loses_and_doubles_nothing(own):
    brokers = own_brokers(own)
    topic = a_topic(brokers)
    parcels = parcels_of(9, 200)
    again = threading.Thread(target=lambda: (own.kill("kafka"), own.start_again("kafka")))
    attempts = 0
    with closing(KafkaTopic(brokers, topic)) as channel:
        for number, parcel in enumerate(parcels):
            if number == 100:
                again.start()
            attempts += 1
            while not isinstance(channel.send(parcel), Accepted):
                attempts += 1
    again.join(60)
    assert attempts == len(parcels)
    assert alerts_by_stay(records(brokers, topic)) == alerts_by_stay(parcels)


def test_closing_ends_a_send_that_a_frozen_broker_keeps_waiting(own):
    topic = a_topic(own_brokers(own))
    channel = KafkaTopic(own_brokers(own), topic)
    assert isinstance(channel.send(a_parcel()), Accepted)
    with frozen(own), ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(channel.send, a_parcel())
        time.sleep(0.5)
        started = time.monotonic()
        channel.close()
        assert isinstance(waiting.result(10), Unavailable)
        assert time.monotonic() - started < 6


def test_what_a_frozen_broker_did_not_acknowledge_is_sent_again_by_its_name(own):
    topic = a_topic(own_brokers(own))
    parcels = [a_parcel(), a_parcel(), a_parcel()]
    with closing(KafkaTopic(own_brokers(own), topic, Waits(1, 3))) as channel:
        assert isinstance(channel.send(parcels[0]), Accepted)
        with frozen(own):
            assert channel.send(parcels[1]) == Unavailable(
                "the brokers do not answer in time", is_in_doubt=True
            )
            assert isinstance(channel.send(parcels[1]), Unavailable)
        while not isinstance(channel.send(parcels[1]), Accepted):
            pass
        assert isinstance(channel.send(parcels[2]), Accepted)
    arrived = [each.alert for each in records(own_brokers(own), topic)]
    assert list(dict.fromkeys(arrived)) == [each.alert for each in parcels]


@contextmanager
def frozen(own: OwnServers) -> Iterator[None]:
    """The broker is there and does nothing."""
    pid = int((own.folder / "kafka" / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    while any("\nState:\tT" not in each.read_text() for each in threads_of(pid)):
        time.sleep(0.01)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def own_brokers(own: OwnServers) -> Brokers:
    return Brokers((own.addresses["KAFKA_BROKERS"],))


def threads_of(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").glob("*/status"))
