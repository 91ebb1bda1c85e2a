"""What somebody holds, or lacks, against what a bystander knows."""

import json

from alerts.hours import local_date
from alerts.wording import day
from service.web.access import Role, Viewer
from service.web.queries import persons
from service.web.searches import Search
from tests.invariant.world import (
    CENTRE,
    HOSPITAL,
    LIVE,
    OF_JOHN,
    OPEN,
    PLAN,
    Resource,
    World,
    event_of,
)
from tests.support.people import JEAN


def faults(world: World) -> list[str]:
    """What somebody holds, or lacks, against the truth; empty when all is well."""
    return [
        *_centre_faults(world),
        *_ward_faults(world),
        *_namesake_faults(world),
        *_facade_faults(world),
        *world.receivers[CENTRE].wrongly,
    ]


def _namesake_faults(world: World) -> list[str]:
    """Of two men of one name at most the one whom a person confirmed is told of."""
    told = [n for n in world.standing(OF_JOHN.registration_id) if event_of(n) == "planned"]
    tasks = [t for t in world.tasks(HOSPITAL, "involve-carer") if "Wilma" in json.dumps(t)]
    is_twice = len(told) > 1 or len([t for t in tasks if t["status"] in OPEN]) > 1
    return ["an answer about one man was used for his namesake"] if is_twice else []


def _facade_faults(world: World) -> list[str]:
    """The carer is readable beside the Task only while a Task names her."""
    truth, viewer = world.truth, Viewer(Role.WARD, ("L302H/M7A", "L302H/M4"), "ward")
    with world.line.database.read() as tx:
        keys = persons.carer_keys(viewer, tx, world.line.site, Search({}, {}, 50, ""))
    if JEAN.key in keys and (truth.is_restricted or not truth.ward_may_know):
        return ["the façade still gives the carer"]
    return []


def _centre_faults(world: World) -> list[str]:
    truth, standing, found = world.truth, world.standing(), []
    events = sorted(event_of(n) for n in standing)
    plans = [n for n in standing if event_of(n) in PLAN]
    if not truth.centre_may_know and standing:
        found.append(f"the centre believes {events} and may not know anything")
    if truth.in_hospital and "discharged" in events:
        found.append("the centre believes that a patient in hospital has left")
    if events.count("discharged") > 1:
        found.append("the centre was told of one discharge twice")
    if truth.is_called_off and standing:
        found.append(f"the centre believes {events} of an admission that was cancelled")
    found += _plan_faults(world, plans)
    return [*found, *_correction_faults(world), *_call_faults(world)]


def _correction_faults(world: World) -> list[str]:
    """What was taken back says nothing more, and is taken back once."""
    found = []
    found += [
        f"{event_of(n)} is in error and still says something"
        for n in world.notices()
        if n["status"] == "entered-in-error" and n.get("payload")
    ]
    answered = [
        earlier["reference"]
        for n in world.notices()
        for earlier in n.get("inResponseTo", ())
        if n["status"] == "completed"
    ]
    if len(set(answered)) != len(answered):
        found.append("one notice was corrected twice")
    corrections = [n for n in world.notices() if event_of(n) == "withdrawn"]
    if len({n["sent"] for n in corrections}) != len(corrections):
        found.append("one cause was told in more than one withdrawal")
    return found


def _call_faults(world: World) -> list[str]:
    """Nobody is asked to ring whom they may not, and nobody outside reads who the patient is."""
    truth, found = world.truth, []
    calls = [t for t in world.tasks(CENTRE, "contact-carer") if t["status"] in OPEN]
    if calls and (truth.in_hospital or not truth.centre_may_know):
        found.append("the centre is asked to contact a carer whom it may not, or not yet")
    for n in (*world.notices(), *world.tasks(CENTRE, "contact-carer")):
        if "9990000018" in json.dumps(n) or "Carswell" in json.dumps(n):
            found.append("the centre was told who the patient is")
    return found


def _plan_faults(world: World, plans: list[Resource]) -> list[str]:
    truth = world.truth
    if not truth.in_hospital or not truth.centre_may_know:
        return []
    if truth.planned is None and plans:
        return ["the centre believes in a plan that was cancelled"]
    is_live = truth.ward in LIVE
    if truth.planned is None or truth.planned < local_date(world.now) or not is_live:
        return []
    newest = max(plans, key=lambda n: n["sent"], default=None)
    if newest is None:
        return ["the centre was not told of a plan that it may know"]
    if day(truth.planned) not in json.dumps(newest):
        return [f"the centre believes another date than {truth.planned}"]
    return []


def _ward_faults(world: World) -> list[str]:
    truth, found = world.truth, []
    ours = [t for t in world.tasks(HOSPITAL, "involve-carer") if "9990000018" in json.dumps(t)]
    for task in ours:
        is_open = task["status"] in OPEN
        if is_open and not (truth.in_hospital and truth.ward_may_know and not truth.died):
            found.append("the ward is asked to involve somebody whom it may not")
        if is_open and truth.in_hospital and f"L302H/{truth.ward}" not in json.dumps(task["owner"]):
            found.append("the Task is at another ward than the patient")
    involving = [t for t in ours if t["status"] in OPEN]
    should = truth.in_hospital and truth.ward_may_know and not truth.died and truth.ward in LIVE
    if should and len(involving) != 1:
        found.append(f"the ward has {len(involving)} Tasks for one carer")
    held = [json.dumps(t) for t in world.receivers[HOSPITAL].held.values()]
    texts = [text for text in held if f'"{truth.visit}"' in text]  # it is told of this stay alone
    if truth.is_restricted and any(name in text for text in texts for name in ("Jean", "Jane")):
        found.append("the ward still reads the carer's name under a restriction")
    if should and not truth.is_restricted and truth.carer not in json.dumps(involving):
        found.append("the ward reads another name than the carer's")
    return found
