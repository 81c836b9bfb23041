# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site with waves: what changes in which order, what stops it, and what is refused before."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays

VARIABLES: dict[str, Any] = {
    "otel_collector_state": "rendered",
    "otel_host_state": "rendered",
    "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
    "otel_collectors": [{"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}],
    "otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}],
}
CLUSTERS, HOSTS = ("dev", "eu"), ("web1", "web2")
Run = subprocess.CompletedProcess[str]
WAVES: list[dict[str, Any]] = [
    {"name": "first", "members": ["dev", "web1"]},
    {"name": "last", "members": ["all:!dev:!web1"]},
]
WATCHED = [{**wave, "watch_seconds": 60} for wave in WAVES]
BAD_CONFIG = {"otel_collectors": [{"name": "gateway", "recipes": ["otlp_ingets"]}]}
BAD_HOST = {"otel_host_memory_limit": "1Mi"}
NOWHERE = {
    "otel_host_state": "present",
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
}


def site(
    tmp_path: Path,
    waves: Any,
    *more: str,
    by_host: dict[str, dict[str, Any]] | None = None,
    hosts: Iterable[str] = HOSTS,
) -> Run:
    """Run playbook site for two clusters, of which only the objects are rendered, and for Linux hosts."""
    given = by_host or {}
    groups = {
        "hosts": {name: given.get(name, {}) for name in CLUSTERS},
        "children": {"otel_linux": {"hosts": {name: given.get(name, {}) for name in hosts}}},
    }
    variables = VARIABLES | ({} if waves is None else {"otel_waves": waves})
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"vars": variables, **groups}}), encoding="utf-8")
    return plays.run_playbook("-i", str(inventory), *more, "playbooks/site.yml")


def told(done: Run) -> str:
    """Return what a run prints, as one line."""
    return " ".join((done.stdout + done.stderr).split())


def rendered(done: Run) -> list[set[str]]:
    """Return the clusters and hosts whose objects and services were built, wave by wave.

    Clusters and hosts of one wave have tasks of their own, whose order Ansible does not promise. Before the first wave,
    the objects of all clusters are built, and none is changed.
    """
    _before, *waves = re.split(r"^TASK \[.*Begin the next wave\]", done.stdout, flags=re.MULTILINE)
    return [built for built in map(_built, waves) if built]


def _built(output: str) -> set[str]:
    tasks = re.split(r"^(?=TASK \[)", output, flags=re.MULTILINE)
    building = [task for task in tasks if "| Validate every config, then build all" in task]
    return {host for task in building for host in re.findall(r"^(?:ok|changed): \[(.+?)\]", task, re.MULTILINE)}


def _changed_by(done: Run) -> set[str]:
    return set().union(*rendered(done))


def test_waves_change_clusters_and_hosts_in_their_order(tmp_path: Path) -> None:
    done = site(tmp_path, WAVES)
    assert done.returncode == 0, told(done)
    assert rendered(done) == [{"dev", "web1"}, {"eu", "web2"}]
    assert "Wave first (1 of 2): 2 hosts: dev, web1. No host may fail." in told(done)
    assert "Wave first passed: 2 hosts, collectors changed on 0." in told(done)


def test_a_limit_to_a_host_without_waves_names_it(tmp_path: Path) -> None:
    done = site(tmp_path, None, "--limit", "web2", by_host={"dev": {"otel_waves": WAVES}})
    assert done.returncode != 0
    assert "some hosts of this run have waves, and web2 has none (at otel_waves)" in told(done), told(done)


def test_a_run_without_waves_changes_all_at_once(tmp_path: Path) -> None:
    done = site(tmp_path, None)
    assert done.returncode == 0, told(done)
    assert _built(done.stdout) == {"dev", "eu", "web1", "web2"}


STOPPING: dict[str, tuple[Any, dict[str, dict[str, Any]], str]] = {
    "a wrong config": (WAVES, {"dev": BAD_CONFIG}, "dev: it failed before the first wave, see its message above"),
    "too little memory": (WAVES, {"web1": BAD_HOST}, "is too small for a collector"),
    # Nor does the watch fail, which would ask web2 too.
    "no answer": (
        WATCHED,
        {"web1": NOWHERE, "web2": NOWHERE},
        "web1: present | Install or change the services: The host does not answer.",
    ),
    "all hosts": (WAVES, {"dev": BAD_CONFIG, "web1": NOWHERE}, "2 of 2 hosts failed"),
}


@pytest.mark.parametrize(("waves", "bad", "why"), STOPPING.values(), ids=STOPPING)
def test_a_failed_host_stops_later_waves(tmp_path: Path, waves: Any, bad: dict[str, dict[str, Any]], why: str) -> None:
    done = site(tmp_path, waves, by_host=bad)
    assert done.returncode == 2
    verdict = told(done).partition("Wave first: ")[2]
    failed = bad.keys() & set(WAVES[0]["members"])
    assert f"{len(failed)} of 2 hosts failed, and none may:" in verdict, told(done)
    assert why in verdict
    assert "Later waves did not begin: last." in verdict
    assert not {"eu", "web2"} & _changed_by(done)


@pytest.fixture(scope="module")
def played_with_failures(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run in whose first wave all hosts fail, and may."""
    waves = [{**wave, "on_failure": "roll_back_all"} for wave in WAVES]
    waves[0]["max_failed"] = 2
    return site(tmp_path_factory.mktemp("failures"), waves, by_host={"dev": BAD_CONFIG, "web1": NOWHERE})


def test_a_wave_may_have_failed_hosts_and_the_run_does_not_end_green(played_with_failures: Run) -> None:
    assert played_with_failures.returncode == 2
    assert {"eu", "web2"} <= _changed_by(played_with_failures)
    assert "2 of 2 hosts failed, which max_failed allows: web1:" in told(played_with_failures)
    assert "all waves passed, but 2 hosts failed: web1:" in told(played_with_failures)


def test_a_run_with_a_failed_host_that_may_fail_lets_its_changes_stay_before_it_ends(played_with_failures: Run) -> None:
    _before, settling, end = told(played_with_failures).partition("tasks/wave_settle.yml for ")
    assert settling, told(played_with_failures)
    assert "all waves passed, but 2 hosts failed: web1:" in end
    assert "Bring members back" not in told(played_with_failures)


@pytest.fixture(scope="module")
def played_green(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run without failures, whose hosts name their waves: one may have failures, one was approved before."""
    waves = [
        {"name": "canary", "max_failed": 1, "watch_seconds": 60},
        {"name": "rest", "watch_seconds": 60, "approval": True},
    ]
    wave_of = {"eu": "canary", "web2": "canary", "dev": "rest", "web1": "rest"}
    labels = {host: {"otel_wave": wave} for host, wave in wave_of.items()}
    return site(tmp_path_factory.mktemp("green"), waves, "-e", "otel_wave_approved=rest", by_host=labels)


def test_hosts_may_name_their_wave(played_green: Run) -> None:
    assert played_green.returncode == 0, told(played_green)
    assert rendered(played_green) == [{"eu", "web2"}, {"dev", "web1"}]


def test_a_run_in_which_hosts_may_fail_and_none_did_ends_green(played_green: Run) -> None:
    assert played_green.returncode == 0, told(played_green)
    assert "Wave canary (1 of 2): 2 hosts: eu, web2. 1 host may fail." in told(played_green)
    assert "All waves passed, and no host failed." in told(played_green)


def test_a_wave_that_was_approved_before_needs_no_terminal(played_green: Run) -> None:
    assert played_green.returncode == 0, told(played_green)
    asking, _green, after = told(played_green).partition("Wave canary passed")
    assert "Its data is compared for 60 s. A person lets it begin." in asking
    assert "Wave rest passed" in after


def test_a_wave_in_which_nothing_runs_is_not_watched(played_green: Run) -> None:
    assert played_green.returncode == 0, told(played_green)
    assert "No host may fail. Its data is compared for 60 s." in told(played_green)
    assert (
        "Wave rest passed: 2 hosts, collectors changed on 0. Data: nothing changed, so nothing was compared."
        in told(played_green)
    )


def test_a_cluster_that_does_not_answer_counts_in_its_wave(tmp_path: Path) -> None:
    talks = {"otel_collector_state": "present", "otel_collector_kubeconfig": "/nonexistent/kubeconfig"}
    done = site(tmp_path, WAVES, by_host={"dev": talks})
    assert done.returncode == 2
    assert "dev failed before the first wave: not changed, and counted as failed." in told(done)
    assert "1 of 2 hosts failed, and none may: dev: it failed before the first wave" in told(done)
    assert rendered(done) == [{"web1"}]


def test_a_wave_without_a_host_that_answers_is_refused_before_anything_changes(tmp_path: Path) -> None:
    talks = {"otel_collector_state": "present", "otel_collector_kubeconfig": "/nonexistent/kubeconfig"}
    waves = [{"name": "first", "members": ["otel_linux", "eu"]}, {"name": "last", "members": ["dev"]}]
    done = site(tmp_path, waves, by_host={"dev": talks})
    assert done.returncode == 2
    assert "all hosts of wave 'last' failed before the first wave: dev" in told(done)
    assert rendered(done) == []


def test_a_wrong_config_of_a_later_wave_is_found_before_the_first_one(tmp_path: Path) -> None:
    waves = [{"name": "first", "members": ["dev", "otel_linux"]}, {"name": "last", "members": ["eu"]}]
    done = site(tmp_path, waves, by_host={"eu": BAD_CONFIG})
    assert done.returncode == 2
    assert "there is no recipe 'otlp_ingets'" in told(done), told(done)
    assert "all hosts of wave 'last' failed before the first wave: eu" in told(done)
    assert rendered(done) == []


@pytest.mark.parametrize("locked", CLUSTERS)
def test_a_cluster_with_a_lock_is_checked_before_the_first_wave_beside_one_without(tmp_path: Path, locked: str) -> None:
    """Other tasks check it, and the end of the one check must not be the end of the other."""
    done = site(tmp_path, WAVES, by_host={locked: {"otel_lock_file": str(tmp_path / "no.lock.yml")}})
    before, _begin, _waves = done.stdout.partition("Begin the next wave")
    assert done.returncode == 2
    assert "no.lock.yml" in before, told(done)


def test_a_run_that_shall_end_after_a_wave_changes_nothing_without_waves(tmp_path: Path) -> None:
    done = site(tmp_path, None, "-e", "otel_wave_until=first")
    assert done.returncode == 2
    said = "the inventory has no waves, and this run shall end after wave 'first' (at otel_wave_until). Set otel_waves"
    assert said in told(done), told(done)
    assert rendered(done) == []
    assert not {"web1", "web2"} & _built(done.stdout)


def test_a_limit_moves_no_host_to_another_wave(tmp_path: Path) -> None:
    done = site(tmp_path, {"growth": [1, "100%"]}, "--limit", "eu,web2")
    assert done.returncode == 0, told(done)
    assert rendered(done) == [{"eu", "web2"}]
    assert "Wave wave-1 (1 of 2): no host.' - ' --limit leaves out dev.'" in told(done)


def test_check_mode_says_which_wave_would_change_what(tmp_path: Path) -> None:
    done = site(tmp_path, WAVES, "--check", by_host={"web1": NOWHERE})
    assert done.returncode == 2
    assert "Wave last (2 of 2): 2 hosts: eu, web2. No host may fail." in told(done)
    assert "web1: present | Install or change the services: The host does not answer." in told(done)


def test_a_tag_runs_its_stage_in_waves(tmp_path: Path) -> None:
    done = site(tmp_path, WAVES, "--tags", "operator")
    assert done.returncode == 0, told(done)
    assert rendered(done) == []
    assert "Wave last passed" in told(done)


REFUSED: dict[str, tuple[Any, str]] = {
    "a host in none": (WAVES[:1], "no wave has eu, web2 (at otel_waves). Add them to a wave."),
    "a growth that shrinks": ({"growth": [3, 1, "100%"]}, "1 is not more than 3"),
    "no time to watch": ([{**WAVES[0], "watch_seconds": 0}, WAVES[1]], "`watch_seconds` is 0 (at otel_waves[0])"),
    "less than no time": ({"growth": ["100%"], "watch_seconds": -1}, "`watch_seconds` is -1 (at otel_waves)"),
    "too short a watch": (
        {"growth": ["100%"], "watch_seconds": 39},
        "`watch_seconds` is 39 (at otel_waves). Give 40 seconds or more, less than a day, or leave it out.",
    ),
    "a way back that nobody knows": (
        [{**WAVES[0], "on_failure": "roll_back"}, WAVES[1]],
        "`on_failure` is 'roll_back'; did you mean 'roll_back_all'? (at otel_waves[0]). Use stop, roll_back_wave or"
        " roll_back_all.",
    ),
    "an approval that nobody can give": (
        [WAVES[0], {**WAVES[1], "approval": True}],
        "wave 'last' waits for the approval of a person, and this run has no terminal (at otel_waves). Run it on a"
        " terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve, for example by"
        " an approval node of AWX, then run it again with `-e otel_wave_approved=last`.",
    ),
}


@pytest.mark.parametrize(("waves", "said"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_plan_is_refused_before_anything_changes(tmp_path: Path, waves: Any, said: str) -> None:
    done = site(tmp_path, waves)
    assert done.returncode == 2
    assert said in told(done)
    assert rendered(done) == []


APPROVAL = [WAVES[0], {**WAVES[1], "approval": True}]


def test_a_way_back_of_hosts_that_keep_one_release_is_refused(tmp_path: Path) -> None:
    waves = [
        {"name": "first", "members": ["otel_linux"], "on_failure": "roll_back_wave"},
        {**WAVES[0], "members": "dev,eu"},
    ]
    waves[1]["name"] = "last"
    done = site(tmp_path, waves, by_host={"web1": {"otel_host_keep": 1}})
    assert done.returncode == 2
    assert "has `on_failure: roll_back_wave`, and otel_host_keep of web1 is below 2 (at otel_waves)." in told(done)
    assert rendered(done) == []


def test_a_run_ends_after_the_wave_that_it_names_and_needs_no_approval_of_the_next(tmp_path: Path) -> None:
    done = site(tmp_path, APPROVAL, "-e", "otel_wave_until=first")
    assert done.returncode == 0, told(done)
    assert rendered(done) == [{"dev", "web1"}]
    assert "The run ends after wave first." in told(done)


MISSPELT = {
    "otel_wave_until=frist": "there is no wave 'frist'; did you mean 'first'? (at otel_wave_until)",
    "otel_wave_approved=lats": "there is no wave 'lats'; did you mean 'last'? (at otel_wave_approved)",
}


@pytest.mark.parametrize(("given", "said"), MISSPELT.items(), ids=MISSPELT)
def test_a_wave_that_no_plan_has_is_refused(tmp_path: Path, given: str, said: str) -> None:
    done = site(tmp_path, APPROVAL, "-e", given)
    assert done.returncode == 2
    assert said in told(done)
    assert rendered(done) == []


def test_check_mode_asks_nobody(tmp_path: Path) -> None:
    done = site(tmp_path, APPROVAL, "--check")
    assert done.returncode == 0, told(done)
    assert "Wave last (2 of 2): 2 hosts: eu, web2. No host may fail. A person lets it begin." in told(done)


ASKING = b"to end the run:"
SILENT_SECONDS, SILENCES = 2, 120


def at_a_terminal(inventory: Path, answer: bytes) -> tuple[int, str]:
    """Run playbook site at a terminal of its own, and answer its question. Return exit code and output.

    Ansible drops what was typed before it asks, so a run that stays silent after its question is answered again.
    """
    command = [plays.ANSIBLE_PLAYBOOK, "-i", str(inventory), "playbooks/site.yml"]
    child, terminal = pty.fork()
    if not child:
        os.chdir(plays.ROOT)
        os.environ.update(ANSIBLE_HOME=plays.HOME.name, KUBECONFIG="/nonexistent/current")
        os.execv(command[0], command)
    output = b"".join(_conversation(terminal, answer))
    os.close(terminal)  # ends a run that still waits
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output.decode(errors="replace")


def _conversation(terminal: int, answer: bytes) -> Iterator[bytes]:
    """Yield what a run prints, until it ends or has been silent for too long."""
    is_asking, silences = False, 0
    while silences < SILENCES:
        if not select.select([terminal], [], [], SILENT_SECONDS)[0]:
            silences += 1
            if is_asking:
                os.write(terminal, answer)
            continue
        try:
            said = os.read(terminal, 65536)
        except OSError:  # the run has closed the terminal
            return
        is_asking = is_asking or ASKING in said
        yield said


def test_a_person_at_the_terminal_lets_a_wave_begin(tmp_path: Path) -> None:
    linux = {"hosts": {"web1": {}, "web2": {}}, "vars": VARIABLES}
    waves = [{"name": "first", "members": ["web1"]}, {"name": "last", "members": ["web2"], "approval": True}]
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"vars": {"otel_waves": waves}, "children": {"otel_linux": linux}}}))
    code, output = at_a_terminal(inventory, b"\r")
    assert code == 0, output
    before, _asking, after = output.partition("Wave last waits for your approval.")
    assert "Wave first passed" in before
    assert "Wave last passed" in after


SILENT = {
    "web1": ("present", "Install or change the services: The host does not answer."),
    "web2": ("absent", "Remove the services: The host does not answer."),
    "web3": ("verified", "Fail if a collector failed: Collectors of web3 failed the test."),
}


@pytest.fixture(scope="module")
def played_in_silence(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run in whose last wave no host answers, each with another state."""
    waves = [
        {"name": "first", "members": ["dev"], "on_failure": "roll_back_all"},
        {"name": "last", "members": ["eu", "otel_linux"], "on_failure": "roll_back_all"},
    ]
    lost = {host: {**NOWHERE, "otel_host_state": state} for host, (state, _why) in SILENT.items()}
    folder = tmp_path_factory.mktemp("silence")
    return site(folder, waves, "--limit", "dev,web1,web2,web3", by_host=lost, hosts=SILENT)


def test_a_wave_in_which_no_host_answers_reaches_its_gate_and_its_way_back(played_in_silence: Run) -> None:
    assert played_in_silence.returncode == 2
    verdict = told(played_in_silence).partition("Wave last: ")[2]
    assert "3 of 3 hosts failed, and none may: web1:" in verdict, told(played_in_silence)
    assert "No host went back. Not changed by this run, so not taken back: dev." in verdict


def test_a_wave_that_failed_says_which_passed_before(played_in_silence: Run) -> None:
    verdict = told(played_in_silence).partition("Wave last: ")[2]
    assert "Passed before: first." in verdict, told(played_in_silence)


@pytest.mark.parametrize("host", SILENT, ids=[state for state, _why in SILENT.values()])
def test_a_silent_host_counts_in_its_wave_whatever_its_state(played_in_silence: Run, host: str) -> None:
    state, why = SILENT[host]
    assert f"{host}: {state} | {why}" in told(played_in_silence).partition("Wave last: ")[2], told(played_in_silence)
    assert re.search(rf"^{host} +: .* unreachable=0 ", played_in_silence.stdout, re.MULTILINE)


def test_one_host_that_may_fail_and_does_not_answer_lets_later_waves_begin(tmp_path: Path) -> None:
    waves = [{"name": "first", "members": ["web1"], "max_failed": 1}, {"name": "last", "members": ["all:!web1"]}]
    done = site(tmp_path, waves, "--limit", "web1,web2", by_host={"web1": {**NOWHERE, "otel_host_state": "verified"}})
    assert done.returncode == 2
    assert rendered(done)[-1] == {"web2"}
    assert "all waves passed, but 1 host failed: web1:" in told(done)


SHARE = {"member": "web1", "name": "agent", "release": "000001", "undoes": "000002", "written": "17"}
DELEGATED = {
    "otel_collectors": [],
    "item": "",
    "__otel_wave": {"name": "last", "rest": ["web1"], "rest_clusters": [], "watch_seconds": 60},
    "__otel_planned": {"samples": []},
    "__otel_share": {"services": [SHARE], "clusters": []},
}


@pytest.mark.parametrize("part", ["back", "settle", "watch_host"])
def test_a_member_that_does_not_answer_keeps_its_doer_in_the_play(tmp_path: Path, part: str) -> None:
    tasks = plays.ROOT / f"playbooks/tasks/wave_{part}.yml"
    after = {"name": "Go on", "ansible.builtin.debug": {"msg": "the doer goes on"}}
    play = {
        "hosts": "doer",
        "connection": "local",
        "gather_facts": False,
        "vars": DELEGATED,
        "tasks": [{"ansible.builtin.include_tasks": str(tasks)}, after],
    }
    done = plays.run(tmp_path, [play], {"doer": {}, "web1": NOWHERE})
    assert done.returncode == 0, told(done)
    assert "the doer goes on" in told(done)
    assert "unreachable=1" not in told(done)


def test_a_note_that_fails_is_a_warning(tmp_path: Path) -> None:
    row = {"name": "agent", "release": "000001", "sum": "abc"}
    noting = {"o11y.opentelemetry.host_wave": {"passed": {"wave": "first", "by": "eve", "collectors": [row]}}}
    done = plays.run(tmp_path, [{"hosts": "web1", "gather_facts": False, "tasks": [noting]}], {"web1": NOWHERE})
    assert done.returncode == 0, told(done)
    assert "web1 does not know that its collectors passed the wave, so the next run watches them again" in told(done)


def test_hosts_of_a_failed_wave_that_changed_nothing_have_nothing_to_take_back(tmp_path: Path) -> None:
    waves = [
        {"name": "first", "members": ["otel_linux"], "on_failure": "roll_back_wave"},
        {"name": "last", "members": ["dev", "eu"]},
    ]
    done = site(tmp_path, waves, by_host={"web1": BAD_HOST})
    assert done.returncode == 2
    assert "1 of 2 hosts failed, and none may: web1:" in told(done)
    assert "No host went back." in told(done)
    assert rendered(done) == [{"web2"}]


LEAK = """
- name: Fail with a secret
  ansible.builtin.command: {cmd: "false", stdin: a-secret-of-this-test}
  no_log: true
"""
LEAKED = [
    {
        "hosts": "web1",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "__otel_wave": {"name": "first"},
            "__otel_wave_begin": ["begin"],
            "__otel_wave_part": "_leak",
            "__otel_wave_end": [],
            "__otel_wave_is_watched": False,
            "__otel_planned": {"ends_alone": False},
        },
        "tasks": [
            {"ansible.builtin.import_tasks": "wave.yml"},
            {"name": "Show it", "ansible.builtin.debug": {"msg": "kept: {{ __otel_wave_failure | to_json }}"}},
        ],
    }
]


def test_what_a_secret_task_says_is_kept_nowhere(tmp_path: Path) -> None:
    for name in ("wave.yml", "wave_begin.yml", "wave_change.yml"):
        (tmp_path / name).write_text((plays.ROOT / "playbooks/tasks" / name).read_text(encoding="utf-8"))
    (tmp_path / "deploy_leak.yml").write_text(LEAK, encoding="utf-8")
    done = plays.run(tmp_path, LEAKED, {"web1": {}}, "-vvv")
    assert done.returncode == 0, told(done)
    assert 'kept: {"task": "Fail with a secret", "result": {}}' in told(done), told(done)
    assert "a-secret-of-this-test" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["eu", "web2"])
def test_waves_of_some_hosts_alone_are_refused(tmp_path: Path, name: str) -> None:
    done = site(tmp_path, None, by_host={name: {"otel_waves": WAVES}})
    assert done.returncode == 2
    assert "variable otel_waves is not set for all hosts: dev lacks it" in told(done)
    assert name not in _changed_by(done)


def test_a_host_without_waves_is_named(tmp_path: Path) -> None:
    done = site(tmp_path, None, by_host={"dev": {"otel_waves": WAVES}})
    assert done.returncode == 2
    assert "some hosts of this run have waves, and eu, web1, web2 has none" in told(done)
    assert rendered(done) == []
