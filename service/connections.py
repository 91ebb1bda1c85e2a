"""Every connection tried once, for ``thinkcarer check``: nothing is sent or taken."""

from alerts.model.site import Site
from ingest.topic import TopicUnreachable, topics_missing
from service.doors import topic_source
from service.errors import ServiceError
from service.outlets import Clock, outlets_of
from service.settings import PREFIX, Settings


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


def _missing_out(settings: Settings) -> list[str]:
    """Both topics must exist, also while no centre reads one."""
    try:
        missing = topics_missing(topic_source(settings), (settings.kafka_out_topic,))
    except TopicUnreachable:
        return []  # the way in has said so
    return [f"{PREFIX}KAFKA_OUT_TOPIC: there is no topic {name}; create it." for name in missing]
