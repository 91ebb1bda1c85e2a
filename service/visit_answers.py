"""A coordinator's answer about two patients under one visit number; what waited for it goes on."""

from alerts.store import people, visit_questions
from alerts.store.visit_questions import Answer
from ingest.requeue import requeue
from service.database import Rank
from service.match_answers import NotTheirs
from service.pipeline import Line
from service.site import feed_finder


def answer_visit(line: Line, answer: Answer) -> None:
    """Keep it, and put the messages that waited back in line, in the order in which they came."""
    now = line.now()
    with line.database.write(Rank.PAGE) as tx:
        waited = visit_questions.answer(tx, answer, now)
        if waited is None:
            raise NotTheirs(NotTheirs.__doc__)
        requeue(tx, waited, feed_finder(line.site))
        said = "same patient" if answer.is_same else "another patient"
        entry = ("visit answered", f"visit_question/{answer.question}", said)
        people.audit(tx, people.Audited(now, answer.by, "coordinator", *entry))
