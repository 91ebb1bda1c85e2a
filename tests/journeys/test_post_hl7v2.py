"""Messages by POST /hl7v2: the same answers as by MLLP, and nothing without a good token."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from ingest import journal
from ingest.receive import Origin, receive
from service.database import Database, connect
from tests.support.door import an_admission, msa
from tests.support.fuzzing import lean
from tests.support.pages import Website, a_website
from tests.support.taking import Taking

LIMIT = 100_000
MOST = 16 * 1024 * 1024
"""Bytes that a bomb of a gigabyte may cost."""
ER7 = "application/hl7-v2"


@pytest.fixture
def site(database: Database) -> Iterator[Website]:
    with a_website(database) as opened:
        yield opened


@pytest.fixture
def taking(site: Website) -> Taking:
    found = Taking(site.line.database)
    site.token("feed")  # its secret is its role
    site.desk = replace(site.desk, door=found.door, max_message_bytes=LIMIT)
    return found


def _post(site: Website, body: bytes, **headers: str) -> httpx2.Response:
    given = {"Content-Type": ER7, "Authorization": "Bearer feed"}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.visitor().client.post("/hl7v2", content=body, headers=given | told)


def test_a_message_is_journaled_and_acknowledged(site: Website, taking: Taking):
    answer = _post(site, an_admission(control_id="M1"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, ER7)
    assert msa(answer.content) == ("AA", "M1")
    [row] = taking.rows()
    assert (row.source, row.state) == ("http:pas", "waiting")


@pytest.mark.parametrize("kind", [ER7, "x-application/hl7-v2+er7", f"{ER7}; charset=utf-8"])
def test_both_content_types_are_taken(site: Website, taking: Taking, kind: str):
    assert _post(site, an_admission(), Content_Type=kind).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/form-data"])
def test_other_content_types_are_told_what_is_taken(site: Website, taking: Taking, kind: str):
    answer = _post(site, an_admission(), Content_Type=kind)
    assert answer.status_code == 415
    assert ER7 in answer.text
    assert taking.rows() == []


def test_a_repeat_and_the_same_by_another_way_have_one_effect(site: Website, taking: Taking):
    first = _post(site, an_admission(control_id="M1")).content
    assert _post(site, an_admission(control_id="M1")).content == first
    reply = receive(an_admission(control_id="M1"), Origin("10.0.0.1"), taking.door)
    assert (reply.answer, reply.is_repeat) == (first, True)
    assert len(taking.rows()) == 1


def test_what_is_refused_is_answered_with_200_and_the_refusal(site: Website, taking: Taking):
    for body, code in ((b"no message", "AR"), (an_admission(processing="T"), "AR"), (b"", "AR")):
        answer = _post(site, body)
        assert (answer.status_code, msa(answer.content)[0]) == (200, code)


def test_without_a_good_token_nothing_is_read(site: Website, taking: Taking):
    for token in ("", "Bearer ", "Bearer guess", "Basic Zm9v"):
        answer = _post(site, an_admission(), Authorization=token)
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    for role, scope in (("ward", "L302H/M7A"), ("engineer", ""), ("auditor", "")):
        token = f"Bearer {site.token(role, *([scope] if scope else []))}"
        assert _post(site, an_admission(), Authorization=token).status_code == 403
    assert taking.rows() == []


def test_a_token_of_a_feed_speaks_for_that_feed_alone(site: Website, taking: Taking):
    own, other = (f"Bearer {site.token('feed', name)}" for name in ("pas", "itk"))
    assert msa(_post(site, an_admission(), Authorization=own).content)[0] == "AA"
    assert msa(_post(site, an_admission(control_id="X"), Authorization=other).content)[0] == "AR"
    assert taking.counts.counted["impostor"] == 1


def test_a_message_over_the_limit_is_413_and_its_header_is_kept(site: Website, taking: Taking):
    big = an_admission(control_id="BIG") + b"ZZZ|" + b"x" * LIMIT
    answer = _post(site, big)
    assert answer.status_code == 413
    [row] = taking.rows()
    assert (row.control_id, row.state) == ("BIG", "refused")
    assert taking.counts.counted["frame_too_long"] == 1
    just_fits = an_admission(control_id="FITS") + b"ZZZ|"
    just_fits += b"x" * (LIMIT - len(just_fits))
    assert _post(site, just_fits).status_code == 200


def test_a_message_packed_in_several_members_is_read_to_its_end(site: Website, taking: Taking):
    raw = an_admission(control_id="GZ")
    packed = b"".join(gzip.compress(raw[start : start + 40]) for start in range(0, len(raw), 40))
    assert msa(_post(site, packed, Content_Encoding="gzip").content) == ("AA", "GZ")
    [row] = taking.rows()
    with taking.database.read() as tx:
        entry = journal.get(tx, row.id)
    assert entry is not None
    assert entry.raw == raw


def test_a_packed_message_is_taken_and_a_bomb_is_not_unpacked(site: Website, taking: Taking):
    packed = gzip.compress(an_admission(control_id="GZ"))
    assert msa(_post(site, packed, Content_Encoding="gzip").content) == ("AA", "GZ")
    bomb = _bomb(1_000)
    with lean(MOST):
        answer = _post(site, bomb, Content_Encoding="gzip")
    assert answer.status_code == 413
    assert _post(site, b"not packed", Content_Encoding="gzip").status_code == 400
    assert _post(site, packed[:-9], Content_Encoding="gzip").status_code == 400
    assert _post(site, packed, Content_Encoding="br").status_code == 415


def _bomb(megabytes: int) -> bytes:
    """Made in pieces, so that the test itself never holds it."""
    packer, piece = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS), bytes(1_000_000)
    return b"".join([*(packer.compress(piece) for _ in range(megabytes)), packer.flush()])


def test_what_cannot_be_stored_is_503_and_may_be_sent_again(site: Website, taking: Taking):
    taking.is_down = True
    answer = _post(site, an_admission())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert taking.counts.counted["not_stored"] == 1
    taking.is_down = False
    assert _post(site, an_admission()).status_code == 200


def test_a_database_that_is_away_is_503_and_counted(site: Website, taking: Taking, tmp_path: Path):
    file = tmp_path / "away.db"
    with connect(f"sqlite:///{file}") as away:
        file.unlink()
        site.desk = replace(site.desk, database=away)
        answer = _post(site, an_admission())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert taking.counts.counted["not_stored"] == 1


def test_a_process_without_a_door_says_so(site: Website):
    site.token("feed")
    assert _post(site, an_admission()).status_code == 503


def test_no_refusal_repeats_what_was_sent(site: Website, taking: Taking):
    message = an_admission(control_id="CANARY7731")
    for headers in ({"Content_Type": "text/plain"}, {"Authorization": "Bearer x"}):
        assert "CANARY7731" not in _post(site, message, **headers).text
