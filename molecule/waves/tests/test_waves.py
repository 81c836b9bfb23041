# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad changes of clusters stop in the first wave and go back, also after a kill; a good one reaches all of them.

The tests follow each other: each begins with what the one before has left.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, until, words
from tests.support.runs import kill, start

HERE = f"{PROJECT}/molecule/waves"
INVENTORY = f"{HERE}/inventory.yml"
GROUPS = yaml.safe_load(Path(INVENTORY).read_text(encoding="utf-8"))["all"]["children"]
FIRST, REST = (sorted(GROUPS[name]["hosts"]) for name in ("first", "rest"))
AGENTS = sorted({*FIRST, *REST} - {"backend"})
GATE_SECONDS = 40
GATE = {"watch_seconds": GATE_SECONDS, "on_failure": "roll_back_wave"}
WAVES = [{"name": "first", "members": ["first"], **GATE}, {"name": "rest", "members": ["rest"], **GATE}]
# One cluster changes well before those of the bad changes, and goes back with them.
EARLY = [
    {"name": "early", "members": ["second"]},
    {**WAVES[0], "on_failure": "roll_back_all"},
    {**WAVES[1], "members": ["rest:!second"]},
]
UNTOUCHED = sorted({*REST} - {"second"})
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
}
# These work until somebody sends to them.
NEED_LOAD = ("refuses", "runs_out")


def namespace(member: str) -> str:
    return f"waves-{member.replace('_', '-')}"


def end(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a run ends, and what it prints, as one line without colours."""
    output = words(run.communicate()[0])
    print(output)
    return run.returncode, output


def begun(**variables: Any) -> subprocess.Popen[str]:
    """Start a run that watches all clusters of a wave at the same time."""
    return start("site", INVENTORY, f"--forks={len(FIRST)}", **variables)


def site(**variables: Any) -> tuple[int, str]:
    return end(begun(**variables))


@pytest.fixture(scope="module", name="clusters")
def _clusters(host: Host) -> Iterator[dict[str, Cluster]]:
    """All clusters with their first config, which no wave has judged, and a backend that answers late."""
    host.check_output(f"kubectl apply -f {HERE}/slow_backend.yaml")
    try:
        code, output = site()
        assert code == 0, output
        yield {member: Cluster(host, namespace(member)) for member in [*FIRST, *REST]}
    finally:
        host.check_output("kubectl delete namespace waves-outside --wait=false")


@contextmanager
def load(host: Host) -> Iterator[None]:
    """Send to the agents that work without load, until the end of the block."""
    host.check_output(f"kubectl apply -f {HERE}/load.yaml")
    try:
        yield
    finally:
        host.check_output(f"kubectl delete --now -f {HERE}/load.yaml")


def pods(clusters: dict[str, Cluster], members: list[str]) -> dict[str, set[str]]:
    """Return the identities of the pods of each member."""
    listed = {
        member: clusters[member].pods("app.kubernetes.io/component=opentelemetry-collector") for member in members
    }
    return {member: {pod["metadata"]["uid"] for pod in found} for member, found in listed.items()}


def configs(clusters: dict[str, Cluster]) -> dict[str, str]:
    """Return the ConfigMap that the agent of each cluster runs with."""
    found = {}
    for member in AGENTS:
        spec = clusters[member].get("deployment", "agent")["spec"]["template"]["spec"]
        found[member] = next(volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume)
    return found


def records(clusters: dict[str, Cluster]) -> list[str]:
    """Return the clusters that keep what their agents would go back to."""
    label = "-l o11y.opentelemetry/change=under-way"
    return [member for member in AGENTS if clusters[member].get("configmap", label)["items"]]


def watching(**given: Any) -> subprocess.Popen[str]:
    """Start playbook site, and return when it watches clusters."""
    run = begun(**given)
    assert run.stdout is not None
    seen = next((line for line in run.stdout if "TASK [Watch the collectors of the cluster]" in line), "")
    assert seen, "the run ended before it watched anything"
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
    """Return the clusters of which a run does not say what their bad change does."""
    return [member for member, check in FOUND.items() if not re.search(rf"agent on {member}: \[{check}\]", said)]


def staying(said: str) -> list[str]:
    """Return the clusters of which a run does not say that they went back."""
    back = "The earlier config of {}/agent is back and works."
    return [one for one in ("second", *FOUND) if f"{one}: {back.format(namespace(one))}" not in said]


def test_bad_changes_stop_in_the_first_wave_and_go_back_also_after_a_kill(
    host: Host, clusters: dict[str, Cluster]
) -> None:
    before, untouched = configs(clusters), pods(clusters, UNTOUCHED)
    given = {"breaks": True, "stage": "early", "otel_waves": EARLY}
    kill(watching(**given))
    assert len(records(clusters)) == len({"second", *FOUND})
    assert configs(clusters)["second"] != before["second"]
    run = watching(**given)
    assert [faults(clusters[member]) for member in NEED_LOAD] == [[0, 0], [0, 0]]
    with load(host):
        until("the kernel kills an agent", lambda: is_killed(clusters["runs_out"]), GATE_SECONDS)
        code, said = end(run)
    assert code == 2
    assert f"1 of {len(FIRST)} hosts failed, and none may: crashes: Apply or remove all objects" in said
    assert "Passed before: early. Later waves did not begin: rest." in said
    assert unfound(said) == staying(said) == []
    assert configs(clusters) == before
    assert pods(clusters, UNTOUCHED) == untouched
    assert records(clusters) == []


def test_a_good_change_reaches_all_clusters_and_a_further_run_changes_nothing(clusters: dict[str, Cluster]) -> None:
    before = configs(clusters)
    code, said = site(stage="second", otel_waves=WAVES)
    assert code == 0, said
    assert f"Wave first passed: {len(FIRST)} hosts, collectors changed on {len(FIRST)}" in said
    first = said.partition("Wave first passed: ")[2].partition("Wave rest passed: ")[0]
    assert "behind the wave, waves-backend/sink on backend: compared with" in first
    after = configs(clusters)
    assert not set(before.items()) & set(after.items())
    for member in AGENTS:
        passed = json.loads(clusters[member].get("configmap", "agent-wave")["data"]["passed.json"])
        assert passed["wave"] == ("first" if member in FIRST else "rest")
    assert records(clusters) == []
    running = pods(clusters, AGENTS)
    code, said = site(stage="second", otel_waves=WAVES)
    assert code == 0, said
    assert set(re.findall(r"changed=(\d+)", said)) == {"0"}
    assert pods(clusters, AGENTS) == running


def test_a_change_of_another_tool_is_judged_by_what_was_kept_before(
    clusters: dict[str, Cluster], tmp_path: Path
) -> None:
    given = {"stage": "second", "otel_judge_path": str(tmp_path), "otel_judge_seconds": 40}
    limit, broken = "--limit=second", {"broken": {"address": "http://127.0.0.1:9"}}
    code, said = end(start("judge", INVENTORY, limit, otel_judge_before=True, **given))
    assert code == 0, said
    assert (tmp_path / "second.json").is_file()
    # `site` stands for the other tool.
    code, said = end(start("site", INVENTORY, limit, breaks=True, stage="second", **broken))
    assert code == 0, said
    uids = pods(clusters, ["second"])
    code, said = end(start("judge", INVENTORY, limit, breaks=True, **broken, **given))
    assert code == 2
    assert "Judge the collectors: waves-second/agent on second: [nothing_sent]" in said
    assert "# The collectors do worse with the change" in (tmp_path / "judge.md").read_text(encoding="utf-8")
    assert 'failures="1"' in (tmp_path / "judge.xml").read_text(encoding="utf-8")
    assert pods(clusters, ["second"]) == uids, "it reads alone"
