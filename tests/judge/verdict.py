"""What may be said against a service, from what was acknowledged and what the receivers hold."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.judge.hospital import Story
from tests.judge.receivers import Told

WARD_TASK = "involve-carer"


@dataclass(frozen=True)
class Fault:
    """One promise that was broken, and where."""

    kind: str
    """``lost``, ``doubled``, ``inverted``, ``invented``; of a trial ``ended``, ``unfinished``."""
    where: str


def wards_faults(stories: Sequence[Story], told: Sequence[Told]) -> Iterator[Fault]:
    """The moves that were told, in order, none twice, the last one true; nothing else was.

    A move that the next one overtook before it was told need not be told: that it was taken in and
    understood is asked of the record.
    """
    versions: dict[str, list[str]] = defaultdict(list)
    tasks: dict[str, set[str]] = defaultdict(set)
    for one in told:
        if one.kind == "Task" and _code(one.body) == WARD_TASK:
            visit, place = _visit(one.body), _place(one.body)
            tasks[visit].add(one.id)
            if versions[visit][-1:] != [place]:  # the same again has no second effect
                versions[visit].append(place)
    for story in stories:
        sent = [step.ward for step in story.steps[: story.sent] if step.ward]
        safe = [step.ward for step in story.steps[: story.acknowledged] if step.ward]
        yield from _compared(story.visit, versions.pop(story.visit, []), sent, safe)
        if len(tasks[story.visit]) > 1:
            yield Fault("doubled", f"{story.visit}: {len(tasks[story.visit])} Tasks")
    for visit in versions:
        yield Fault("invented", visit)


def notices_faults(stories: Sequence[Story], told: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """The dates that a centre was told, by registration: in order, none twice, the last one true.

    A date that moved on before it was told need not be told.
    """
    for story in stories:
        heard = list(told.get(registration(story), ()))
        dates = [step.planned.isoformat() for step in story.steps if step.planned]
        safe = dates[: story.acknowledged]
        if len(heard) != len(set(heard)):
            yield Fault("doubled", f"{story.visit}: told {heard}")
        elif heard != sorted(heard):
            yield Fault("inverted", f"{story.visit}: told {heard}")
        elif safe and (not heard or heard[-1] < safe[-1]):
            yield Fault("lost", f"{story.visit}: told {heard}, not {safe[-1]}")
        elif heard and heard[-1] not in dates[: story.sent]:
            yield Fault("invented", f"{story.visit}: told {heard}")


def record_faults(
    stories: Sequence[Story], rows: Sequence[Mapping[str, object]]
) -> Iterator[Fault]:
    """What was acknowledged stands in the public record once, and was understood."""
    entries: dict[str, list[object]] = defaultdict(list)
    for row in rows:
        entries[str(row["control_id"])].append(row["state"])
    for story in stories:
        for step in story.steps[: story.acknowledged]:
            states = entries.get(step.control_id, [])
            if len(states) > 1:
                yield Fault("doubled", f"{step.control_id}: {len(states)} entries")
            elif states != ["settled"]:
                yield Fault("lost", f"{step.control_id}: {states}")


def versions_faults(
    stories: Sequence[Story], rows: Sequence[Mapping[str, object]], told: Sequence[Told]
) -> Iterator[Fault]:
    """Each move made a version, also one that the next overtook; what is called sent did arrive."""
    arrived, made, sent = Counter(one.id for one in told), Counter[str](), Counter[str]()
    for row in rows:
        if row["channel"] == "fhir":
            made[str(row["resource_id"])] += 1
            sent[str(row["resource_id"])] += row["state"] == "sent"
    for name, count in sent.items():
        if arrived[name] < count:
            yield Fault("lost", f"{name}: {arrived[name]} versions of {count} that were sent")
    tasks = {_visit(o.body): o.id for o in told if o.kind == "Task" and _code(o.body) == WARD_TASK}
    for story in stories:
        moves = len({step.ward for step in story.steps[: story.acknowledged] if step.ward})
        task = tasks.get(story.visit)
        if task is not None and made[task] < moves:
            yield Fault("lost", f"{story.visit}: {made[task]} versions of {moves} moves")


def mail_faults(rows: Sequence[Mapping[str, object]], letters: Sequence[bytes]) -> Iterator[Fault]:
    """Every letter that the public record calls sent did arrive, and none that it does not know."""
    ours = [row["state"] for row in rows if row["channel"] == "smtp"]
    known = {re.search(rb"(?im)^message-id:\s*(\S+)", text) for text in letters}
    arrived = len({found.group(1) for found in known if found})
    if arrived < ours.count("sent"):
        yield Fault("lost", f"{arrived} letters of {ours.count('sent')}")
    if arrived > len(ours):
        yield Fault("invented", f"{arrived} letters of {len(ours)}")


def registration(story: Story) -> str:
    """As the register file of the simulator numbers people."""
    return f"S-{story.patient.number:07d}"


def _compared(visit: str, heard: list[str], sent: list[str], safe: list[str]) -> Iterator[Fault]:
    if len(heard) != len(set(heard)):
        yield Fault("doubled", f"{visit}: told {heard}")
    elif heard != sorted(heard):
        yield Fault("inverted", f"{visit}: told {heard}")
    elif not set(heard) <= set(sent):
        yield Fault("invented", f"{visit}: told {heard} of {sent}")
    elif safe and (not heard or heard[-1] < safe[-1]):
        yield Fault("lost", f"{visit}: told {heard}, not {safe[-1]}")


def _code(body: Mapping[str, object]) -> str:
    code: str = body["code"]["coding"][0]["code"]  # type: ignore[index]
    return code


def _visit(body: Mapping[str, object]) -> str:
    visit: str = body["encounter"]["identifier"]["value"]  # type: ignore[index]
    return visit


def _place(body: Mapping[str, object]) -> str:
    place: str = body["location"]["identifier"]["value"]  # type: ignore[index]
    return place.partition("/")[2]
