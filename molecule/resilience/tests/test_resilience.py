"""A run that is killed is completed by the next; two runs at once end as one would; a bad config hurts no old pod.

A run that loses the API server waits for it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, join_printed_lines, wait_until
from tests.support.flaky_proxy import FlakyProxy, build_unreliable_fates, run_flaky_proxy
from tests.support.runs import kill_run, start_playbook

INVENTORY = f"{PROJECT}/molecule/resilience/inventory.yml"
SITE = f"ansible-playbook o11y.opentelemetry.site -i {INVENTORY}"
REMOVE = f"ansible-playbook o11y.opentelemetry.remove -i {INVENTORY}"


@pytest.fixture
def cluster(host: Host) -> Iterator[Cluster]:
    yield Cluster(host, "resilience")
    host.check_output(REMOVE)
    assert host.check_output("kubectl get ns resilience --ignore-not-found") == ""


@pytest.mark.parametrize(
    "seen", ["namespace/resilience", "configmap -l o11y.opentelemetry/collector=gateway", "deployment/gateway"]
)
def test_a_run_killed_in_the_middle_is_completed_by_the_next(cluster: Cluster, seen: str) -> None:
    run = start_playbook("site", INVENTORY)
    wait_until(seen, lambda: cluster.host.run(f"kubectl -n resilience get {seen} -o name").stdout != "")
    kill_run(run)
    assert "failed=0" in cluster.host.check_output(SITE)
    assert all(_ready(cluster, instance) for instance in ("gateway", "agent"))
    assert re.search(r"changed=0 .*failed=0", cluster.host.check_output(SITE))


def test_two_runs_at_once_end_as_one_would(cluster: Cluster) -> None:
    runs = [start_playbook("site", INVENTORY), start_playbook("site", INVENTORY)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert re.search(r"changed=0 .*failed=0", cluster.host.check_output(SITE))


def test_an_old_pod_that_starts_again_reads_its_own_config_and_undo_brings_it_back(cluster: Cluster) -> None:
    """The address of the bad config is one that no pod has, which only the start of the Collector shows."""
    cluster.host.check_output(SITE)
    before = _configs(cluster)
    bad = {"extensions": {"zpages": {"endpoint": "203.0.113.1:55679"}}, "service": {"extensions": ["zpages"]}}
    options = {"otel_collector_config": bad, "otel_collector_change": {"on_failure": "keep"}}
    failed = cluster.host.run(f"{SITE} -e '{json.dumps(options)}'")
    assert failed.rc != 0 and "203.0.113.1" in failed.stdout
    assert before < _configs(cluster)
    cluster.host.check_output("kubectl -n resilience delete pods --wait=false -l app.kubernetes.io/instance=gateway")
    wait_until("the gateway works", lambda: "1" in _available(cluster))
    cluster.host.check_output("kubectl -n resilience rollout undo deployment/gateway")
    cluster.host.check_output("kubectl -n resilience rollout status --timeout=60s deployment/gateway")
    assert "failed=0" in cluster.host.check_output(SITE)
    assert re.search(r"changed=0 .*failed=0", cluster.host.check_output(SITE))


def test_a_run_that_loses_the_api_server_waits_for_it(cluster: Cluster, tmp_path: Path) -> None:
    """First the server stays away, then it goes away at all moments of a run, then the way to it is bad."""
    cluster.host.check_output(SITE)
    with run_flaky_proxy(tmp_path) as (proxy, kubeconfig):
        run = _change("a", kubeconfig, otel_collector_wait_seconds=8)
        wait_until("the first workload is changed", lambda: "a" in _marks(cluster))
        proxy.go_away()
        output = join_printed_lines(run.communicate()[0])
        assert run.returncode == 2, output
        assert re.search(r"has answered before, but not in the last \d+ s: ", output)
        assert "the next run completes what this one has begun. Done before this error, and not undone: " in output
        assert "Check the server's address" not in output
        assert "configmap/gateway-change" in _records(cluster)

        proxy.come_back()
        run, away = _change("a", kubeconfig), 0
        while _passes(proxy, 2, run):
            proxy.go_away()
            refused, away = proxy.count_by_fate["refused"], away + 1
            wait_until(
                "the run tries again",
                lambda known=refused: proxy.count_by_fate["refused"] > known + 1 or run.poll() is not None,
            )
            proxy.come_back()
        output = join_printed_lines(run.communicate()[0])
        assert (run.returncode, _records(cluster), _marks(cluster)) == (0, "", {"a"}), output
        assert "A run that changed the collector resilience/gateway was interrupted" in output
        assert away >= 5

        run = _change("b", kubeconfig)
        _passes(proxy, 1, run)  # a run that meets no server fails at once
        proxy.fate = build_unreliable_fates(25)
        output = join_printed_lines(run.communicate()[0])
        assert (run.returncode, _records(cluster), _marks(cluster)) == (0, "", {"b"}), output
        assert proxy.count_by_fate["cut"] + proxy.count_by_fate["hung"] > 0 < proxy.count_by_fate["refused"]


def _change(mark: str, kubeconfig: str, **more: object) -> subprocess.Popen[str]:
    return start_playbook(
        "site", INVENTORY, otel_collector_env={"MARK": mark}, otel_collector_kubeconfig=kubeconfig, **more
    )


def _passes(proxy: FlakyProxy, count: int, run: subprocess.Popen[str]) -> bool:
    """Wait until so many more connections have passed; return whether the run goes on."""
    known = proxy.count_by_fate["passed"]
    wait_until("connections", lambda: proxy.count_by_fate["passed"] >= known + count or run.poll() is not None)
    return run.poll() is None


def _records(cluster: Cluster) -> str:
    found = cluster.host.check_output("kubectl -n resilience get cm -l o11y.opentelemetry/change -o name")
    return str(found).strip()


def _marks(cluster: Cluster) -> set[str]:
    """Return the values of the variable in all workloads."""
    path = "{.items[*].spec.template.spec.containers[0].env[?(@.name=='MARK')].value}"
    return set(cluster.host.check_output(f'kubectl -n resilience get deploy,ds -o jsonpath="{path}"').split())


def _configs(cluster: Cluster) -> set[str]:
    return set(
        cluster.host.check_output("kubectl -n resilience get cm -l o11y.opentelemetry/collector -o name").split()
    )


def _available(cluster: Cluster) -> str:
    return cluster.host.check_output(
        "kubectl -n resilience get deployment gateway -o jsonpath={.status.availableReplicas}"
    )


def _ready(cluster: Cluster, instance: str) -> bool:
    pods = cluster.pods(f"app.kubernetes.io/instance={instance}")
    return bool(pods) and all(status["ready"] for pod in pods for status in pod["status"]["containerStatuses"])
