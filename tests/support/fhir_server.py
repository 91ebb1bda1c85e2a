"""A small client of a FHIR server that is a strict judge of what we render."""

import json
from types import TracebackType

import httpx2

JSON = "application/fhir+json"
_OURS_TO_LOSE = ("meta", "text")


class Refused(AssertionError):
    """The server refused a resource; the text is what its OperationOutcome says."""


class FhirServer:
    """Puts resources and reads them back."""

    def __init__(self, base_url: str) -> None:
        headers = {"Accept": JSON, "Content-Type": JSON}
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=60)

    def __enter__(self) -> "FhirServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def put(self, rendered: str) -> dict[str, object]:
        """Store it under its own id; what the server then holds, without meta and text."""
        sent = json.loads(rendered)
        path = f"/{sent['resourceType']}/{sent['id']}"
        answer = self._http.put(path, content=rendered.encode())
        if answer.status_code not in (200, 201):
            raise Refused(f"{path}: {answer.status_code} {_why(answer.text)}")
        return essence(self._http.get(path).text)

    def holds(self, rendered: str) -> bool:
        """Does what stands under its id say just this?"""
        sent = json.loads(rendered)
        held = self._http.get(f"/{sent['resourceType']}/{sent['id']}")
        return essence(held.text) == essence(rendered)

    def history(self, kind: str, resource_id: str) -> list[dict[str, object]]:
        """Every version that it holds, the newest first."""
        answer = self._http.get(f"/{kind}/{resource_id}/_history")
        return [each["resource"] for each in answer.json().get("entry", [])]

    def delete(self, kind: str, resource_id: str) -> None:
        """Take it away, as a person there might."""
        self._http.delete(f"/{kind}/{resource_id}").raise_for_status()


def essence(rendered: str) -> dict[str, object]:
    """The resource without what a server may change: meta and text."""
    body = json.loads(rendered)
    return {name: value for name, value in body.items() if name not in _OURS_TO_LOSE}


def _why(answer: str) -> str:
    try:
        issues = json.loads(answer).get("issue", [])
    except ValueError:
        return answer[:500]
    return "; ".join(f"{i.get('severity')}: {i.get('diagnostics')}" for i in issues)
