"""The power fails at any moment: what was acknowledged is in the journal, and SQLite is whole."""

import shutil
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.power.recorded import compile_recorder, record, under_recorder
from tests.power.replay import MODELS, Verdict, choose_cuts, judge

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

MESSAGES = 300
CUTS = 60


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_recorder(tmp_path_factory.mktemp("recorder"))


def verdicts_on(program: str, recorder: Path, template: Path, folder: Path) -> list[Verdict]:
    seed = SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails
    recording = record(under_recorder(recorder, template, folder, program), MESSAGES)
    chance = Random(seed)  # noqa: S311
    cuts = choose_cuts(recording.records, CUTS, chance)
    return list(judge(recording.records, recording.before, cuts, chance, folder / "image"))


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    recorder: Path, migrated_sqlite: Path, tmp_path: Path
):
    seen = verdicts_on("service", recorder, migrated_sqlite, tmp_path)
    assert len(seen) == CUTS * len(MODELS)
    assert [one for one in seen if not one.is_good] == []


def test_commits_that_do_not_wait_for_the_disk_are_caught(
    recorder: Path, migrated_sqlite: Path, tmp_path: Path
):
    seen = verdicts_on("tests.power.careless", recorder, migrated_sqlite, tmp_path)
    for model in MODELS:
        assert any(one.lost for one in seen if one.model == model), model
    assert {one.integrity for one in seen} == {"ok"}
