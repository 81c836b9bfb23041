# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and Linux hosts change in the same waves: bad changes stop and go back, a good one arrives in its order.

Runs are killed in each wave, and the same command continues. A cluster that is away is counted and named. The tests
follow each other: each begins with what the one before has left.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, wait_until
from tests.support.own_hosts import OwnHosts, host_program_option
from tests.support.runs import kill_run, start_playbook
from tests.support.wave_fleet import Fleet, MemberState, await_end, member_namespace, read_until

HERE = f"{PROJECT}/molecule/waves"
INVENTORY = f"{HERE}/inventory.yml"
GROUPS = yaml.safe_load(Path(INVENTORY).read_text(encoding="utf-8"))["all"]["children"]["clusters"]["children"]
FIRST, REST = (sorted(GROUPS[name]["hosts"]) for name in ("first", "rest"))
AGENTS = sorted({*FIRST, *REST} - {"backend"})
HOSTS = OwnHosts.from_topic("waves")
LINUX = tuple(f"host{number}" for number in range(1, 7))
GATE_SECONDS = 40
GATE = {"watch_seconds": GATE_SECONDS, "on_failure": "roll_back_wave"}
# A cluster and a host change well before those of the bad changes, and go back with them. So does the third host.
EARLY = [
    {"name": "early", "members": ["second", "host1"]},
    {"name": "first", "members": ["first", "host2", "host3"], **GATE, "on_failure": "roll_back_all"},
    {"name": "rest", "members": ["rest:!second", "host4", "host5", "host6"], **GATE},
]
CHANGED = ("second", *LINUX[:3])
UNTOUCHED = [*sorted({*REST} - {"second", "backend"}), *LINUX[3:]]
# What the gate finds of each bad change. One more, `crashes`, does not even start, and goes back by itself.
FOUND = {
    "nobody_listens": "nothing_sent",
    "other_protocol": "nothing_sent",
    "no_such_name": "nothing_sent",
    "wrong_tls": "nothing_sent",
    "not_found": "exports_fail",
    "drops_all": "all_dropped",
    "slow": "exports_late",
    "refuses": "receivers_refuse",
    # It is killed, and may be seen to come near to that before.
    "runs_out": "(?:out_of_memory|memory_high)",
    # With a queue on the disk, what waits in it may show before.
    "host2": "(?:nothing_sent|exports_late)",
}
# These work until somebody sends to them.
NEED_LOAD = ("refuses", "runs_out")
# A failed wave tells of so many members, and how many more there are.
SHOWN = 10
# Hosts whose file gets lines all the time: the change of one works, and that of the other one does not.
WRITERS = ("host1", "host2")
LINES = "/var/log/lines.log"
WRITER = f'number=0; while sleep 0.05; do number=$((number + 1)); echo "line $number at $(date +%s)." >> {LINES}; done'

# A good change of six clusters and six hosts. The third cluster is away.
FIVE: list[dict[str, Any]] = [
    {"name": "one", "members": ["nobody_listens", "host1"], **GATE},
    {"name": "hosts", "members": ["host2", "host3"]},
    {"name": "clusters", "members": ["other_protocol", "no_such_name", "backend"]},
    {"name": "both", "members": ["second", "third", "wrong_tls", "host4"], "max_failed": 1},
    {"name": "last", "members": ["host5", "host6"], **GATE},
]
AWAY, WITHOUT_AGENT = "third", "backend"
# The number of the wave of each member with an agent.
NUMBERS = {name: number for number, wave in enumerate(FIVE) for name in wave["members"] if name != WITHOUT_AGENT}
# What a run prints in each wave as it is killed.
KILLS = {
    "one": "TASK [Watch the collectors of the ",
    "hosts": "| Install or change the services]",
    "clusters": "Apply or remove all objects]",
    "both": "TASK [Decide whether the wave passed]",
    "last": "changed: [host",
}


@pytest.fixture(scope="module", name="fleet")
def _fleet(host: Host) -> Iterator[Fleet]:
    """All members with their first config, which no wave has judged, and a backend that answers late."""
    forks = f"--forks={len(FIRST) + 2}"  # all members of a wave at the same time
    given = ("-e", json.dumps({"otel_host_program": host_program_option(HOSTS.make_archive())}))
    host.check_output(f"kubectl apply -f {HERE}/slow_backend.yaml")
    try:
        with HOSTS.run_hosts(len(LINUX)) as linux:
            fleet = Fleet(host, (*FIRST, *REST), HOSTS, linux, INVENTORY, (forks, *given))
            code, output = fleet.site()
            assert code == 0, output
            for name in WRITERS:
                fleet.on(name, f"systemd-run --quiet --unit=writer sh -c '{WRITER}'")
            yield fleet
    finally:
        host.check_output("kubectl delete namespace waves-outside --wait=false")


@pytest.fixture(scope="module", name="clusters")
def _clusters(host: Host, fleet: Fleet) -> dict[str, Cluster]:
    return {member: Cluster(host, member_namespace(member)) for member in fleet.clusters}


@contextmanager
def load(host: Host) -> Iterator[None]:
    """Send to the agents that work without load, until the end of the block."""
    host.check_output(f"kubectl apply -f {HERE}/load.yaml")
    try:
        yield
    finally:
        host.check_output(f"kubectl delete --now -f {HERE}/load.yaml")


def records(fleet: Fleet, clusters: dict[str, Cluster]) -> list[str]:
    """Return the members that keep what their agents would go back to."""
    label, file = "-l o11y.opentelemetry/change=under-way", "/etc/otelcol/agent/undecided.json"
    found = [member for member in AGENTS if clusters[member].get("configmap", label)["items"]]
    return [*found, *(name for name in LINUX if fleet.on(name, f"ls {file} 2>/dev/null || true"))]


def watching(fleet: Fleet, kind: str, **given: Any) -> subprocess.Popen[str]:
    """Start playbook site, and return when it watches members of a kind."""
    run = fleet.start("site", **given)
    read_until(run, f"TASK [Watch the collectors of the {kind}")
    return run


def is_killed(cluster: Cluster) -> bool:
    """Return whether the agent of a cluster was killed because it used more than its memory limit."""
    (pod,) = cluster.pods("app.kubernetes.io/component=opentelemetry-collector")
    (container,) = pod["status"]["containerStatuses"]
    return bool(container["lastState"].get("terminated", {}).get("reason") == "OOMKilled")


def faults(cluster: Cluster) -> list[int]:
    """Return how often the agent of a cluster has restarted, and how many metric points it has refused."""
    (pod,) = cluster.pods("app.kubernetes.io/component=opentelemetry-collector")
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod['metadata']['name']}:8888/proxy/metrics"
    metrics = cluster.host.check_output(f"kubectl get --raw {path}")
    refused = re.findall(r"^otelcol_receiver_refused_metric_points\S* (\d+)", metrics, re.MULTILINE)
    assert refused, metrics
    return [pod["status"]["containerStatuses"][0]["restartCount"], sum(map(int, refused))]


def unfound(said: str) -> list[str]:
    """Return the members of which a run does not say what their bad change does."""
    return [member for member, check in FOUND.items() if not re.search(rf"agent on {member}: \[{check}\]", said)]


def hidden_members(said: str) -> int:
    """Return how many members of a failed wave a run counts alone: receivers behind it may be found silent too."""
    counted = re.search(r"; and (\d+) more\. Passed before", said)
    return int(counted[1]) if counted else 0


def staying(said: str) -> list[str]:
    """Return the members of which a run does not say that they went back."""
    in_cluster, on_host = "The earlier config of {}/agent is back and works", "agent: Release 000001 runs again"
    going = {*FOUND, *CHANGED}
    lines = {one: f"{one}: {on_host if one in LINUX else in_cluster.format(member_namespace(one))}" for one in going}
    return [member for member, line in lines.items() if line not in said]


def all_lines_came(fleet: Fleet, host: str) -> dict[int, float]:
    """Return for how long each line waited that is written by now on a host. Fails if one is lost."""
    written = range(1, int(fleet.on(host, f"wc -l < {LINES}")) + 1)
    return wait_until(
        f"all {written[-1]} lines of the file of {host}",
        lambda: waits if (waits := fleet.measure_line_delays(host)).keys() >= set(written) else {},
    )


def test_bad_changes_stop_in_the_first_wave_and_go_back_also_after_a_kill(
    host: Host, fleet: Fleet, clusters: dict[str, Cluster]
) -> None:
    before = fleet.read_states([*AGENTS, *LINUX])
    given = {"breaks": True, "stage": "early", "otel_waves": EARLY}
    kill_run(watching(fleet, "", **given))
    assert sorted(records(fleet, clusters)) == sorted({*FOUND, *CHANGED})
    killed = fleet.read_states(CHANGED)
    assert [name for name in CHANGED if killed[name].config == before[name].config] == []
    run = watching(fleet, "cluster", **given)
    assert [faults(clusters[member]) for member in NEED_LOAD] == [[0, 0], [0, 0]]
    with load(host):
        wait_until("the kernel kills an agent", lambda: is_killed(clusters["runs_out"]), GATE_SECONDS)
        code, said = await_end(run)
    assert code == 2
    worse, _way, back = said.partition("The way back: ")
    assert f"1 of {len(FIRST) + 2} hosts failed, and none may: crashes: Apply or remove all objects" in worse
    assert "Passed before: early. Later waves did not begin: rest." in worse
    assert len(unfound(worse)) <= hidden_members(worse), "what is shown lacks more than the run says"
    assert len(staying(back)) == len({*FOUND, *CHANGED}) - SHOWN
    after = fleet.read_states(before)
    assert {member: state.config for member, state in after.items()} == {
        member: state.config for member, state in before.items()
    }
    assert {member: after[member] for member in UNTOUCHED} == {member: before[member] for member in UNTOUCHED}
    assert records(fleet, clusters) == []
    waits = {name: max(all_lines_came(fleet, name).values()) for name in WRITERS}
    assert waits["host2"] > GATE_SECONDS, "lines waited on the disk while nothing was delivered"


def in_waves(states: dict[str, MemberState], numbers: range) -> dict[str, MemberState]:
    """Return the states of the members of some waves."""
    return {name: state for name, state in states.items() if NUMBERS[name] in numbers}


def kill_in_each_wave(fleet: Fleet, before: dict[str, MemberState], **given: Any) -> dict[str, MemberState]:
    """Kill a run in each wave. Return the members of the waves that passed, which no later run has changed."""
    passed: dict[str, MemberState] = {}
    for number, wave in enumerate(FIVE):
        fleet.kill_in_wave(wave["name"], KILLS[wave["name"]], **given)
        now, later = fleet.read_states(NUMBERS), range(number + 1, len(FIVE))
        assert in_waves(now, later) == in_waves(before, later), "a later wave begins too early"
        assert passed.items() <= now.items(), "a wave that passed is changed again"
        passed = in_waves(now, range(number))
    return passed


def assert_order(came: dict[str, MemberState]) -> None:
    """Assert that the change came to the members of each wave after it came to those of the one before."""
    times = [
        sorted(state.begun_at for state in in_waves(came, range(one, one + 1)).values()) for one in range(len(FIVE))
    ]
    for earlier, later in pairwise(times):
        assert earlier[-1] <= later[0], times


def test_a_good_change_arrives_once_in_the_order_of_the_waves_though_runs_are_killed_in_each(
    fleet: Fleet, tmp_path: Path
) -> None:
    given = {"stage": "second", "otel_hosts": [*NUMBERS, WITHOUT_AGENT], "otel_waves": FIVE}
    away = {**given, "nowhere": kubeconfig_of_nobody(tmp_path)}
    before = fleet.read_states(NUMBERS)
    passed = kill_in_each_wave(fleet, before, **away)
    code, said = fleet.site(**away)
    assert code == 2
    assert f"1 of 4 hosts failed, which max_failed allows: {AWAY}: it failed before the first wave" in said
    assert f"all waves passed, but 1 host failed: {AWAY}: it failed before the first wave" in said
    came = fleet.read_states(NUMBERS)
    assert passed.items() <= came.items(), "a wave that passed is changed again"
    assert came.pop(AWAY) == before[AWAY]
    assert {name: state.release_number - before[name].release_number for name, state in came.items()} == dict.fromkeys(
        came, 1
    ), "once"
    assert_order(came)
    for member in (*FIVE[0]["members"], *FIVE[-1]["members"]):
        assert fleet.read_passed_wave(member)["wave"] == FIVE[NUMBERS[member]]["name"]
    code, said = fleet.site(**given)
    assert code == 0, said
    assert re.findall(r"(\w+) : ok=\d+ changed=[1-9]", said) == [AWAY], "a further run changes nothing else"
    returned = fleet.read_states(NUMBERS)
    assert returned.pop(AWAY).release_number == before[AWAY].release_number + 1
    assert returned == came


def kubeconfig_of_nobody(folder: Path) -> str:
    """Return the path of a kubeconfig whose API server does not answer."""
    path = folder / "nowhere"
    named = {"name": "nowhere"}
    given = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nowhere",
        "clusters": [{**named, "cluster": {"server": "https://127.0.0.1:9"}}],
        "contexts": [{**named, "context": {"cluster": "nowhere", "user": "nowhere"}}],
        "users": [{**named, "user": {"token": "none"}}],
    }
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return str(path)


def test_the_report_shows_which_releases_have_passed(fleet: Fleet, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    given = {"stage": "second", "otel_hosts": [*NUMBERS, WITHOUT_AGENT], "otel_waves": FIVE}
    code, said = await_end(fleet.start("report", otel_report_path=str(page), **given))
    assert code == 0, said
    assert "3 of 3 collectors" in page.read_text(encoding="utf-8"), "of the first wave"


def test_a_change_of_another_tool_is_judged_by_what_was_kept_before(fleet: Fleet, tmp_path: Path) -> None:
    given = {"stage": "second", "otel_judge_path": str(tmp_path), "otel_judge_seconds": 40}
    limit, broken = "--limit=second", {"broken": {"address": "http://127.0.0.1:9"}}
    code, said = await_end(start_playbook("judge", INVENTORY, limit, otel_judge_before=True, **given))
    assert code == 0, said
    assert (tmp_path / "second.json").is_file()
    # `site` stands for the other tool.
    code, said = await_end(start_playbook("site", INVENTORY, limit, breaks=True, stage="second", **broken))
    assert code == 0, said
    running = fleet.read_states(["second"])
    code, said = await_end(start_playbook("judge", INVENTORY, limit, breaks=True, **broken, **given))
    assert code == 2
    assert "Judge the collectors: waves-second/agent on second: [nothing_sent]" in said
    assert "# The collectors do worse with the change" in (tmp_path / "judge.md").read_text(encoding="utf-8")
    assert 'failures="1"' in (tmp_path / "judge.xml").read_text(encoding="utf-8")
    assert fleet.read_states(["second"]) == running, "it reads alone"
