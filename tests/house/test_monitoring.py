"""The alert rules, the dashboard and the runbook belong together, and each rule can fire."""

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
import yaml

from service.cli import COMMANDS
from tests.support.prometheus import DASHBOARD, RULES, alerts, program
from tests.support.tree import ROOT

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
DAY = 86_400
ENDS = "thinkcarer_certificate_expires_timestamp_seconds"
DOOR = "thinkcarer_door_total"
BROKEN = {
    "ThinkCarerDown": {'up{job="thinkcarer"}': "0x70"},
    "ThinkCarerAbsent": {"another": "1x70"},
    "ThinkCarerNotReady": {"thinkcarer_ready": "0x70"},
    "ThinkCarerNotStored": {DOOR + '{what="not_stored"}': "0x68 1 1"},
    "ThinkCarerFellBack": {"thinkcarer_database_fell_back": "0x68 1 1"},
    "ThinkCarerDiskNearlyFull": {
        "thinkcarer_disk_free_bytes": "9e9x70",
        "thinkcarer_disk_size_bytes": "100e9x70",
    },
    "ThinkCarerClockJumped": {"thinkcarer_clock_step_seconds": "0x60 -7200x9"},
    "ThinkCarerEntriesWait": {"thinkcarer_journal_oldest_seconds": "301x70"},
    "ThinkCarerNothingUnderstood": {
        "thinkcarer_journal_waiting": "1x70",
        "thinkcarer_journal_oldest_seconds": "1+60x70",
    },
    "ThinkCarerBacklogGrows": {"thinkcarer_journal_waiting": "1001+1x70"},
    "ThinkCarerDecisionsWait": {"thinkcarer_decisions_waiting": "3x70"},
    "ThinkCarerParked": {"thinkcarer_journal_parked": "7x60 8x9"},
    "ThinkCarerManyParked": {"thinkcarer_journal_parked": "7x60 58x9"},
    "ThinkCarerRefused": {DOOR + '{what="refused"}': "0x68 1 1"},
    "ThinkCarerStranger": {DOOR + '{what="impostor"}': "0x68 1 1"},
    "ThinkCarerBrokenFrames": {DOOR + '{what="frame_junk"}': "0x60 9x9"},
    "ThinkCarerWayInFaulty": {DOOR + '{what="folder_refused"}': "0x68 1 1"},
    "ThinkCarerDoubtful": {
        'thinkcarer_doubts_total{feed="pas",kind="date-unreadable"}': "0x40 0+5x29"
    },
    "ThinkCarerFeedSilent": {'thinkcarer_feed_last_timestamp_seconds{feed="pas"}': "-3400x70"},
    "ThinkCarerDestinationFailing": {'thinkcarer_destination_failing{destination="a"}': "1x70"},
    "ThinkCarerDeliveryLate": {'thinkcarer_outbox_oldest_seconds{destination="a"}': "901x70"},
    "ThinkCarerSendsHeld": {"thinkcarer_sends_held": "0x50 1x19"},
    "ThinkCarerStuck": {'thinkcarer_destination_stuck{destination="a"}': "1x70"},
    "ThinkCarerLanesUnheld": {"thinkcarer_lanes_held": "32x70"},
    "ThinkCarerCertificate30Days": {ENDS + '{certificate="mllp"}': f"{29 * DAY}x70"},
    "ThinkCarerCertificate7Days": {ENDS + '{certificate="mllp"}': f"{6 * DAY}x70"},
    "ThinkCarerRevocationListOld": {ENDS + '{certificate="mllp-client-ca-crl"}': f"{DAY}x70"},
}
"""What Prometheus has seen each minute; it is asked 70 minutes after 1970 began."""
WELL = {
    'up{job="thinkcarer"}': "1x70",
    "thinkcarer_ready": "1x70",
    "thinkcarer_clock_step_seconds": "0x70",
    DOOR + '{what="not_stored"}': "5x70",
    "thinkcarer_database_fell_back": "0x70",
    DOOR + '{what="accepted"}': "0+90x70",
    DOOR + '{what="repeated"}': "0+9x70",
    DOOR + '{what="refused"}': "5x70",
    DOOR + '{what="connection_lost"}': "0+9x70",
    DOOR + '{what="handshake_failed"}': "5x70",
    "thinkcarer_disk_free_bytes": "11e9x70",
    "thinkcarer_disk_size_bytes": "100e9x70",
    "thinkcarer_journal_oldest_seconds": "0 9 0 3 2x66",
    "thinkcarer_journal_waiting": "0 9 0 3 2000x66",
    "thinkcarer_decisions_waiting": "5000x40 0x29",
    "thinkcarer_journal_parked": "7x70",
    'thinkcarer_doubts_total{feed="pas",kind="date-unreadable"}': "9x70",
    'thinkcarer_doubts_total{feed="pas",kind="number-unverified"}': "0+9x70",
    'thinkcarer_feed_last_timestamp_seconds{feed="pas"}': "0+60x70",
    'thinkcarer_destination_failing{destination="a"}': "1 0x69",
    'thinkcarer_outbox_oldest_seconds{destination="a"}': "30x70",
    "thinkcarer_sends_held": "0x60 1x9",
    'thinkcarer_destination_stuck{destination="a"}': "0x70",
    "thinkcarer_lanes_held": "64x70",
    ENDS + '{certificate="mllp"}': f"{31 * DAY}x70",
    ENDS + '{certificate="mllp-client-ca-crl"}': f"{2 * DAY}x70",
}


def test_prometheus_reads_the_rules():
    checked = subprocess.run(
        [program("promtool"), "check", "rules", str(RULES)], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_each_alert_fires_where_it_should_and_none_where_all_is_well(tmp_path: Path):
    assert set(BROKEN) == set(alerts())
    worlds = [_world(WELL)] + [_world(seen, name) for name, seen in BROKEN.items()]
    tests = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": worlds}
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(tests))
    tested = subprocess.run(
        [program("promtool"), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stderr + tested.stdout


def _world(seen: dict[str, str], *firing: str) -> dict[str, object]:
    """Counted alerts, so that the words of their annotations need not be written down twice."""
    which = f',alertname="{firing[0]}"' if firing else ""
    return {
        "name": " ".join(firing) or "all is well",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in seen.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertstate="firing"{which}}}) > 0',
                "eval_time": "70m",
                "exp_samples": [{"labels": "{}", "value": 1}] if firing else [],
            }
        ],
    }


def test_every_alert_has_a_section_in_the_runbook_and_the_reverse():
    assert re.findall(r"^### (ThinkCarer\w+)$", RUNBOOK, re.MULTILINE) == list(alerts())


@pytest.mark.parametrize("name", alerts())
def test_a_section_says_what_it_means_what_to_look_at_what_to_do_and_whom_to_call(name: str):
    section = re.split(r"^#+ ", RUNBOOK.split(f"\n### {name}\n")[1], maxsplit=1, flags=re.M)[0]
    for part in ("**Means.**", "**Look.**", "**Do.**", "**Call.**"):
        assert part in section
    assert alerts()[name]["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"  # type: ignore[index]


def _commands() -> list[str]:
    code = re.findall(r"`([^`]+)`", re.sub(r"```\w*\n", "`", RUNBOOK).replace("```", "`"))
    lines = [line for block in code for line in block.splitlines()]
    return [line for line in lines if line.startswith("thinkcarer ")]


def test_every_command_in_the_runbook_is_one_that_the_service_takes():
    assert len(_commands()) > 10
    app = typer.Typer()
    for add in COMMANDS:
        add(app)
    top = typer.main.get_command(app)
    for line in _commands():
        words = [word.replace("ID", "1") for word in shlex.split(line)[1:]]
        _parse(top, words)


def _parse(command: typer.core.TyperGroup | object, words: Sequence[str]) -> None:
    """Read, not run; a usage error is raised."""
    below = getattr(command, "commands", {})
    if words and words[0] in below:
        return _parse(below[words[0]], words[1:])
    assert not below or not words or words[0].startswith("-"), f"no such command: {words}"
    command.make_context("thinkcarer", list(words)).close()  # type: ignore[attr-defined]
    return None


def test_the_dashboard_names_no_data_source_of_its_own_and_no_panel_lies_on_another():
    board = json.loads(DASHBOARD.read_text())
    assert set(re.findall(r'"uid": "([^"]+)"', DASHBOARD.read_text())) == {
        "${datasource}",
        board["uid"],
    }
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        places = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not places & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= places
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
