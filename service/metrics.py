"""The Prometheus names, in one place; no label ever holds a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.tally import COUNTED

Asked: TypeAlias = float | Mapping[str, float]
"""The value of a gauge, or one for each value of its label."""


ENDS = ("settled", "ignored", "parked")
"""States in which an entry of the journal is finished with."""


class Metrics:
    """The counters of one process; gauges are asked for when somebody looks."""

    def __init__(self, gauges: Callable[[], Mapping[str, Asked]]) -> None:
        """``gauges`` answers by name without prefix, at every scrape."""
        self._registry = CollectorRegistry()
        self._registry.register(_Gauges(gauges))
        self.door = self._counter(
            "door", "What happened at the door: answered, repeated, frame errors by kind", "what"
        )
        self.entries = self._counter("entries", "Journal entries finished, by state", "state")
        self.doubts = self._counter(
            "doubts",
            "What was doubtful in messages, by feed and kind; `other` has no kind of its own",
            "feed",
            "kind",
        )
        self.suppressed = self._counter(
            "suppressed",
            "What would be due and is not told, by code and reason: too-old, waits, barred",
            "code",
            "why",
        )
        self.decided = self._counter(
            "decided", "Tasks and notices decided, by kind and code", "kind", "code"
        )
        self.deliveries = self._counter(
            "deliveries", "Attempts to deliver, by channel and result", "channel", "result"
        )
        self.understood = Histogram(
            "thinkcarer_understood_seconds",
            "From received to decided",
            buckets=(0.01, 0.05, 0.1, 0.25, 1, 5, 30, 300),
            registry=self._registry,
        )
        self.ready = Gauge(
            "thinkcarer_ready",
            "1 while everything answers that /health/ready asks",
            registry=self._registry,
        )
        self._begin_at_nothing()

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"thinkcarer_{name}", words, labels, registry=self._registry)

    def _begin_at_nothing(self) -> None:
        """Where a series begins with its first fault, nobody sees an increase."""
        self._at_the_door = {what: self.door.labels(what) for what in COUNTED}
        for state in ENDS:
            self.entries.labels(state)

    def count(self, name: str, n: int = 1) -> None:
        """What the door counts, by name."""
        self._at_the_door[name].inc(n)

    def text(self, missing: Callable[[], Sequence[str]] = tuple) -> bytes:
        """The Prometheus exposition; ``missing`` names what does not answer."""
        self.ready.set(not missing())
        return generate_latest(self._registry)


class _Gauges(Collector):
    """Asks for the gauges when scraped."""

    def __init__(self, gauges: Callable[[], Mapping[str, Asked]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, asked in self._gauges().items():
            label, words = _MEANINGS[name]
            family = GaugeMetricFamily(f"thinkcarer_{name}", words, labels=[label] if label else [])
            for value, amount in asked.items() if isinstance(asked, Mapping) else (("", asked),):
                family.add_metric([value] if label else [], amount)
            yield family


_MEANINGS = {
    "journal_waiting": ("", "Entries neither finished nor parked"),
    "journal_parked": ("", "Entries that wait for a person"),
    "journal_oldest_seconds": ("", "Age of the oldest entry that waits, 0 while none does"),
    "feed_last_timestamp_seconds": (
        "feed",
        "When the newest settled message of the feed came; of one never heard, the start",
    ),
    "decisions_waiting": ("", "Stays that are asked for and not yet decided again"),
    "decisions_later": ("", "Stays that settle or sleep: a clock will ask about them"),
    "outbox_waiting": (
        "",
        "Parcels neither sent nor stuck, retries that wait for their time included",
    ),
    "outbox_stuck": ("", "Parcels given up"),
    "sends_held": ("", "1 while nothing is sent until a person lets it go, after a restore"),
    "outbox_oldest_seconds": ("destination", "Age of the oldest parcel that waits"),
    "clock_step_seconds": (
        "",
        "How far the machine's clock jumped from the time that is believed, 0 while they agree",
    ),
    "destination_waiting": ("destination", "Parcels that wait for this destination"),
    "destination_stuck": ("destination", "Parcels given up for this destination"),
    "destination_failing": ("destination", "1 while the destination takes nothing"),
    "certificate_expires_timestamp_seconds": ("certificate", "When the certificate runs out"),
    "database_fell_back": ("", "1 once the database lacks what this process acknowledged"),
    "disk_free_bytes": ("", "What is free on the disk of the database file (SQLite)"),
    "disk_size_bytes": ("", "The size of that disk (SQLite)"),
    "lanes_held": ("", "Lanes of the journal that a living worker holds, of 64 (PostgreSQL)"),
}
"""The label, if any, and the help text."""
