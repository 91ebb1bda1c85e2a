"""The links at the top of a page."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """One link; the one of this page is marked."""

    words: str
    href: str
    is_current: bool = False


def links(here: str, found: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    """Links from words and addresses."""
    return tuple(Link(words, href, href == here) for words, href in found)
