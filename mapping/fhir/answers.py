"""What the façade answers with besides resources: pages of them, refusals, what it can do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mapping.fhir.elements import Element, element, instant, narrative
from mapping.fhir.resources import checked
from mapping.fhir.systems import Claims, profiles

# R4's type of each search parameter that we may offer (hl7.org/fhir/R4/searchparameter-registry).
_TYPES = {
    "_id": "token",
    "_lastUpdated": "date",
    "authored-on": "date",
    "code": "token",
    "encounter": "reference",
    "focus": "reference",
    "identifier": "token",
    "owner": "reference",
    "patient": "reference",
    "recipient": "reference",
    "sent": "date",
    "status": "token",
    "subject": "reference",
    "target": "reference",
}
_RESULTS = ("_count",)
"""Not search parameters, although they stand in the same query."""


@dataclass(frozen=True, slots=True)
class Version:
    """One stored resource: what was sent, and which version of it that is."""

    body: str
    number: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One page of search results, in the order in which they are to stand."""

    base_url: str
    """``https://host/fhir``, without a slash at the end."""
    self_url: str
    next_url: str | None
    total: int | None
    """How many there are on all pages; None where nobody counted."""
    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the façade does with one kind of resource."""

    kind: str
    search: tuple[str, ...]
    """Names as they stand in a query; ``owner:identifier`` where only that form is taken."""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Facade:
    """What is true of this façade."""

    base_url: str
    version: str
    as_of: datetime
    offers: tuple[Offer, ...]


def stamped(version: Version) -> str:
    """The resource as it was sent, with ``meta`` saying which version of it this is."""
    body = json.loads(version.body)
    meta = body.get("meta", {}) | {
        "versionId": str(version.number),
        "lastUpdated": instant(version.updated_at),
    }
    head = {"resourceType": body["resourceType"], "id": body["id"], "meta": meta}
    return json.dumps(head | body | {"meta": meta}, ensure_ascii=False, separators=(",", ":"))


def searchset(page: Page) -> str:
    """A Bundle of one page of results."""
    links = [{"relation": "self", "url": page.self_url}]
    if page.next_url:
        links.append({"relation": "next", "url": page.next_url})
    body = element(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": page.total,
            "link": links,
            "entry": [_entry(json.loads(found), page.base_url) for found in page.bodies],
        }
    )
    return checked("Bundle", body)


def outcome(code: str, words: str, severity: str = "error") -> str:
    """An OperationOutcome: why something was refused, by a code of R4's issue-type."""
    body: Element = {
        "resourceType": "OperationOutcome",
        "text": narrative("Answer", (words,)),
        "issue": [{"severity": severity, "code": code, "diagnostics": words}],
    }
    return checked("OperationOutcome", body)


def capability(facade: Facade, claims: Claims) -> str:
    """The CapabilityStatement: only what is really offered."""
    body: Element = {
        "resourceType": "CapabilityStatement",
        "text": narrative("ThinkCarer", (f"FHIR R4 at {facade.base_url}",)),
        "status": "active",
        "date": instant(facade.as_of),
        "kind": "instance",
        "software": {"name": "ThinkCarer", "version": facade.version},
        "implementation": {"description": "ThinkCarer", "url": facade.base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A bearer token; what it may not see answers 404."},
                "resource": [_offered(offer, claims) for offer in facade.offers],
            }
        ],
    }
    return checked("CapabilityStatement", body)


def _entry(resource: Element, base_url: str) -> Element:
    return {
        "fullUrl": f"{base_url}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": {"mode": "match"},
    }


def _offered(offer: Offer, claims: Claims) -> Element:
    interactions = ["read", "search-type", *(["update"] if offer.writes else [])]
    return element(
        {
            "type": offer.kind,
            "supportedProfile": list(profiles(offer.kind, claims)),
            "interaction": [{"code": code} for code in interactions],
            "versioning": "versioned-update" if offer.writes else "no-version",
            "readHistory": False,
            "updateCreate": False,
            "conditionalCreate": False,
            "conditionalDelete": "not-supported",
            "searchParam": _parameters(offer.search),
        }
    )


def _parameters(names: Sequence[str]) -> list[Element]:
    return [_parameter(name) for name in names if name not in _RESULTS]


def _parameter(name: str) -> Element:
    bare, _, modifier = name.partition(":")
    only = f"Only as {name}=system|value." if modifier else None
    return element({"name": bare, "type": _TYPES[bare], "documentation": only})
