"""The Prometheus names, in one place; no label ever holds a person."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Metrics:
    """The counters of one process; gauges are asked for when somebody looks."""

    def __init__(self, backlog: Callable[[], Mapping[str, float]]) -> None:
        """``backlog`` answers the gauges by name without prefix, at every scrape."""
        self._registry = CollectorRegistry()
        self._registry.register(_Backlog(backlog))
        self.door = Counter(
            "thinkcarer_door",
            "What happened at the door: answered, repeated, frame errors by kind",
            ["what"],
            registry=self._registry,
        )
        self.entries = Counter(
            "thinkcarer_entries",
            "Journal entries finished, by state",
            ["state"],
            registry=self._registry,
        )
        self.decided = Counter(
            "thinkcarer_decided",
            "Tasks and notices decided, by kind and code",
            ["kind", "code"],
            registry=self._registry,
        )
        self.deliveries = Counter(
            "thinkcarer_deliveries",
            "Attempts to deliver, by channel and result",
            ["channel", "result"],
            registry=self._registry,
        )
        self.understood = Histogram(
            "thinkcarer_understood_seconds",
            "From received to decided",
            buckets=(0.01, 0.05, 0.1, 0.25, 1, 5, 30, 300),
            registry=self._registry,
        )

    def count(self, name: str, n: int = 1) -> None:
        """What the door counts, by name."""
        self.door.labels(name).inc(n)

    def text(self) -> bytes:
        """The Prometheus exposition."""
        return generate_latest(self._registry)


class _Backlog(Collector):
    """Asks for the gauges when scraped."""

    def __init__(self, backlog: Callable[[], Mapping[str, float]]) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        for name, value in self._backlog().items():
            yield GaugeMetricFamily(f"thinkcarer_{name}", _MEANINGS[name], value=value)


_MEANINGS = {
    "journal_waiting": "Entries neither finished nor parked",
    "journal_parked": "Entries that wait for a person",
    "outbox_waiting": "Parcels neither sent nor stuck, retries that wait for their time included",
    "outbox_stuck": "Parcels given up",
}
