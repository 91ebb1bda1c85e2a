"""Every connection tried once, for ``thinkcarer check``: nothing is sent or taken."""

import os
import socket

from alerts.model.site import Site
from ingest.topic import TopicUnreachable, topics_missing
from service.doors import topic_source
from service.engines import is_held, sqlite_path
from service.errors import ServiceError
from service.outlets import Clock, outlets_of
from service.settings import PREFIX, Settings
from service.site import entrances_of


class Unconnected(ServiceError):
    """Somebody that the settings name does not answer."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """``faults``: one sentence each."""
        super().__init__("\n".join(faults))
        self.faults = faults


def try_ways_in(settings: Settings) -> None:
    """Raise Unconnected where the topic cannot be read."""
    if not settings.kafka_brokers:
        return
    try:
        missing = topics_missing(topic_source(settings), (settings.kafka_in_topic,))
    except TopicUnreachable as err:
        raise Unconnected((str(err),)) from err
    if missing:
        name = f"{PREFIX}KAFKA_IN_TOPIC"
        raise Unconnected((f"{name}: there is no topic {settings.kafka_in_topic}; create it.",))


def try_drop_folder(settings: Settings) -> None:
    """Raise Unconnected where files could not be taken out of it."""
    folder = settings.drop_folder
    if folder is not None and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unconnected(
            (
                f"{PREFIX}DROP_FOLDER: this user may not read and write {folder}; "
                f"it must move files to {folder}/done.",
            )
        )


def try_addresses(settings: Settings, site: Site) -> None:
    """Raise Unconnected where run could not open its addresses; skipped while it may hold them.

    Only on SQLite is it known that no service runs: nobody holds the file.
    """
    url = settings.database_url
    if not url.startswith("sqlite") or is_held(sqlite_path(url)):
        return
    asked = [(e.address, "MLLP") for e in entrances_of(site, settings.mllp_address)]
    asked.append((settings.http_address, "the pages"))
    faults = tuple(fault for address, use in asked if (fault := _unopened(address, use)))
    if faults:
        raise Unconnected(faults)


def try_ways_out(settings: Settings, site: Site, now: Clock) -> None:
    """Raise Unconnected with what stands in the way of each destination."""
    faults = []
    for outlet in outlets_of(settings, site, now):
        fault = outlet.channel.fault()
        outlet.channel.close()
        if fault:
            faults.append(f"{outlet.destination}: {fault}.")
    if settings.kafka_brokers and not any(c.channel == "kafka" for c in site.centres):
        faults += _missing_out(settings)
    if faults:
        raise Unconnected(tuple(faults))


def _unopened(address: tuple[str, int], use: str) -> str:
    """Why it cannot be bound, empty if it can; closed again at once."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        socket.create_server(address, family=family).close()
    except OSError as err:
        why = os.strerror(err.errno) if err.errno and err.errno > 0 else err.strerror
        return f"{address[0]}:{address[1]} cannot be opened for {use}: {why}."
    return ""


def _missing_out(settings: Settings) -> list[str]:
    """Both topics must exist, also while no centre reads one."""
    try:
        missing = topics_missing(topic_source(settings), (settings.kafka_out_topic,))
    except TopicUnreachable:
        return []  # the way in has said so
    return [f"{PREFIX}KAFKA_OUT_TOPIC: there is no topic {name}; create it." for name in missing]
