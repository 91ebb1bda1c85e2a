"""What is known of a death: it holds until a person says otherwise."""

from dataclasses import replace

from alerts.model.events import AdtEvent, Answer, Answered, Cleared, EventKind
from alerts.model.stay import DeathSaid, Stay, StayStatus


def after_message(before: Stay, after: Stay, event: AdtEvent) -> Stay:
    """The stay once the message has told of a death, denied it, or said what no table knows.

    A sender who repeats itself says nothing new, so that the answer of a person stands against
    it; a discharge that tells of a death is always news.
    """
    said = _said(event)
    if said is None and not before.died and not before.death_unclear:
        return after
    told = dict(before.deaths_said)
    if not told and before.died:
        told = {before.feed: DeathSaid.DIED}  # of a stay that an earlier release folded
    earlier = told.get(event.feed)
    died, unclear = before.died, before.death_unclear
    is_news = said is not earlier or event.kind is EventKind.DISCHARGED
    if said is DeathSaid.DIED and is_news:
        died, unclear = True, False
    elif said is DeathSaid.UNCLEAR and is_news:
        unclear = unclear or not died
    elif said is DeathSaid.LIVES and earlier is DeathSaid.DIED and event.died is False:
        unclear = unclear or died  # empty denies nothing
    if said is not None:
        told[event.feed] = said
    return replace(
        after,
        died=died,
        death_unclear=unclear,
        deaths_said=tuple(sorted(told.items())),
        died_after_leaving=died
        and after.status is StayStatus.DISCHARGED
        and (before.died_after_leaving if before.died else before.status is StayStatus.DISCHARGED),
    )


def after_answer(stay: Stay, event: Answered) -> Stay:
    """A person knows better than any message that came before."""
    if event.answer is Answer.ALIVE:
        return replace(stay, died=False, death_unclear=False, died_after_leaving=False)
    if event.answer is Answer.DIED:
        has_left = stay.status is StayStatus.DISCHARGED
        after_leaving = stay.died_after_leaving if stay.died else has_left
        return replace(stay, died=True, death_unclear=False, died_after_leaving=after_leaving)
    return stay


def _said(event: AdtEvent) -> DeathSaid | None:
    if event.died is True:
        return DeathSaid.DIED
    if event.death_unclear:
        return DeathSaid.UNCLEAR
    if event.died is False or isinstance(event.died, Cleared):
        return DeathSaid.LIVES
    return None
