"""The register, the answers about doubtful matches, and the policy in force."""

from dataclasses import replace
from datetime import date, timedelta

from alerts.model.alert import MatchDecision
from alerts.model.identity import IdentifierKind
from alerts.model.register import CaredFor
from alerts.store import policy, register
from service.database import Database
from tests.support.records import NOW, a_number, a_patient, a_registration


def test_an_import_counts_what_is_new_changed_and_the_same(database: Database):
    first, second = a_registration("R1"), a_registration("R2")
    changed = a_registration("R2", ended_on=date(2026, 1, 1))
    with database.write() as tx:
        imported = register.upsert(tx, [first, second], NOW)
        assert imported == register.Imported(2, 0, 0, (first, second))
        imported = register.upsert(tx, [first, changed, a_registration("R3")], NOW)
        assert imported == register.Imported(1, 1, 1, (changed, a_registration("R3")))
    with database.read() as tx:
        assert register.get(tx, "LANCARERS/R2") == changed
        assert register.get(tx, "LANCARERS/R9") is None


def test_a_long_file_is_taken_whole(database: Database):
    rows = [a_registration(f"R{number}") for number in range(1201)]
    with database.write() as tx:
        assert register.upsert(tx, rows, NOW).new == 1201
        assert register.upsert(tx, rows, NOW).same == 1201


def test_the_same_registration_id_at_another_centre_is_another_one(database: Database):
    with database.write() as tx:
        register.upsert(tx, [a_registration(), a_registration(centre="YOUNGNL")], NOW)
        assert len(register.Candidates(tx).of(a_patient())) == 2


def test_candidates_have_the_number_or_the_name_and_birth_date(database: Database):
    by_number = a_registration("R1", patient=_person(family="Weir", born=date(1950, 1, 1)))
    by_name = a_registration("R2", patient=_person(number="9990000026"))
    neither = a_registration("R3", patient=_person(number="9990000026", family="Weir"))
    ended = a_registration("R4", ended_on=date(2020, 1, 1))
    with database.write() as tx:
        register.upsert(tx, [neither, by_name, by_number, ended], NOW)
        assert register.Candidates(tx).of(a_patient()) == (by_number, by_name, ended)


def test_a_patient_without_number_name_or_birth_date_has_no_candidates(database: Database):
    with database.write() as tx:
        register.upsert(tx, [a_registration()], NOW)
        assert register.Candidates(tx).of(a_patient(identifiers=(), family=None)) == ()
        assert register.Candidates(tx).of(a_patient(identifiers=(), birth_date=None)) == ()


def test_answers_about_a_match_come_oldest_first(database: Database):
    answers = tuple(
        MatchDecision("LANCARERS/R1", "f" * 64, is_same, "Coordinator", NOW, "P1", stay="S1")
        for is_same in (True, False)
    )
    with database.write() as tx:
        for answer in (*answers, replace(answers[0], registration="LANCARERS/R2")):
            register.decide_match(tx, answer)
        asked = register.decisions(tx, ["LANCARERS/R1"])
        assert register.decisions(tx, []) == ()
    assert tuple(replace(answer, id=0) for answer in asked) == answers


def test_answers_about_candidates_that_were_looked_up_together_are_the_same(database: Database):
    keys = ["LANCARERS/R1", "LANCARERS/R2", "LANCARERS/R3"]
    given = MatchDecision("", "f" * 64, True, "Coordinator", NOW, "P1", stay="S1")
    with database.write() as tx:
        register.upsert(tx, [a_registration(name) for name in ("R1", "R2", "R3")], NOW)
        for key in (keys[1], keys[0], keys[1]):
            register.decide_match(tx, replace(given, registration=key))
        candidates = register.Candidates(tx)
        candidates.fetch([a_patient()])
        candidates.fetch_decisions()
        candidates.fetch_decisions()
        for asked in (keys, keys[:1], keys[1:], ["LANCARERS/R9", keys[0]]):
            assert candidates.decisions(asked) == register.decisions(tx, asked)
        assert len(candidates.decisions(keys)) == 3


def test_an_answer_is_taken_back_once_and_kept(database: Database):
    later = NOW + timedelta(hours=1)
    given = MatchDecision("LANCARERS/R1", "f" * 64, True, "Coordinator", NOW, "P1", stay="S1")
    with database.write() as tx:
        register.decide_match(tx, given)
        (known,) = register.decided_since(tx, NOW)
        register.take_back(tx, known.id, "R. Baxter", later)
        register.take_back(tx, known.id, "Somebody Else", later + timedelta(hours=1))
        taken_back = replace(known, taken_back_at=later, taken_back_by="R. Baxter")
        assert register.decision(tx, known.id) == taken_back
        assert register.decided_since(tx, later) == ()
        assert register.decision(tx, known.id + 1) is None


def test_policy_holds_from_the_moment_it_was_said(database: Database):
    later = NOW + timedelta(days=1)
    with database.write() as tx:
        policy.remember(tx, {"notice": 48.0}, NOW)
        policy.remember(tx, {"notice": 12.0, "ask_within": 6.0}, later)
        assert policy.in_force(tx, NOW - timedelta(seconds=1)) == {}
        assert policy.in_force(tx, NOW) == {"notice": 48.0}
        assert policy.in_force(tx, later) == {"notice": 12.0, "ask_within": 6.0}


def test_a_value_taken_from_the_site_file_falls_back_to_the_default(database: Database):
    later = NOW + timedelta(days=1)
    with database.write() as tx:
        policy.remember(tx, {"notice": 48.0}, NOW)
        policy.remember(tx, {}, later)
        assert policy.in_force(tx, NOW) == {"notice": 48.0}
        assert policy.in_force(tx, later) == {}


def _person(
    number: str = "9990000018", family: str = "Carswell", born: date = date(1948, 2, 11)
) -> CaredFor:
    return CaredFor(a_number(number, IdentifierKind.NHS), "Hugh", family, born)
