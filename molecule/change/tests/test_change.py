"""A change that does worse goes back, and a client that tries again loses nothing. A good one reaches all pods.

The tests follow each other: each begins with what the one before has left.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.load import Load, send_load
from tests.support.runs import kill_run, start_playbook

INVENTORY = f"{PROJECT}/molecule/change/inventory.yml"
NOWHERE = "sink.change.svc:4999"
WORKLOADS = {"gateway": "deployment", "queue": "statefulset", "agent": "daemonset"}
SECONDS = 60


@pytest.fixture(scope="module")
def cluster(host: Host) -> Cluster:
    code, output = site()
    assert code == 0, output
    return Cluster(host, "change")


def end(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a run ends, and what it prints, without the line breaks of its output."""
    output = " ".join(run.communicate()[0].split())
    print(output)
    return run.returncode, output


def site(**variables: Any) -> tuple[int, str]:
    return end(start_playbook("site", INVENTORY, **variables))


def receivers(cluster: Cluster, name: str) -> list[str]:
    """Return the URLs at which clients reach a collector: agents on every node, others behind their Service."""
    if name == "agent":
        return [f"http://{ip}:4318" for ip in node_ips()]
    ports = cluster.get("service", name)["spec"]["ports"]
    number = next(port["nodePort"] for port in ports if port["port"] == 4318)
    return [f"http://{node_ips()[0]}:{number}"]


@contextmanager
def clients(cluster: Cluster, name: str, *receiving: str) -> Iterator[list[Load]]:
    """Send to some collectors without a pause. At the end, all records are behind the sink."""
    with ExitStack() as stack:
        urls = [(one, url) for one in receiving for url in receivers(cluster, one)]
        loads = [stack.enter_context(send_load(url, f"{name}-{one}-{n}")) for n, (one, url) in enumerate(urls)]
        wait_until("records that are taken", lambda: all(len(one.taken) > 10 for one in loads), SECONDS)
        yield loads
        counts = [len(one.taken) for one in loads]
        more = lambda: all(len(one.taken) > count + 10 for one, count in zip(loads, counts, strict=True))  # noqa: E731
        wait_until("records that are taken afterwards", more, SECONDS)
    for one in loads:
        print(f"{one.name}: {len(one.taken)} records taken, {one.failed_tries} tries failed, {len(one.lost)} lost")
        assert one.lost == []
    wait_until(f"all records of {name} at the sink", lambda: arrived(cluster, loads), SECONDS)


def arrived(cluster: Cluster, loads: list[Load]) -> bool:
    log = cluster.logs("o11y.opentelemetry/collector=sink")
    return all(set(one.taken) <= set(re.findall(rf"{one.name}-\d+\.", log)) for one in loads)


def generation(cluster: Cluster, name: str) -> int:
    return int(cluster.get(WORKLOADS[name], name)["metadata"]["generation"])


def configs(cluster: Cluster, *names: str) -> dict[str, str]:
    return {name: config(cluster, name) for name in names}


def config(cluster: Cluster, name: str) -> str:
    """Return the config of a collector's pods, which is the same for all of them."""
    selector = f"o11y.opentelemetry/collector={name}"
    names = {
        volume["configMap"]["name"]
        for pod in cluster.pods(selector)
        for volume in pod["spec"]["volumes"]
        if "configMap" in volume and volume["configMap"]["name"].startswith(f"{name}-")
    }
    assert len(names) == 1, names
    return names.pop()


def records(cluster: Cluster) -> str:
    text = "kubectl -n change get configmap -l o11y.opentelemetry/change -o name"
    return str(cluster.host.check_output(text))


def undone(cluster: Cluster, name: str, *changed: str, **variables: Any) -> str:
    """Run a change that does worse, while clients send; return what the run prints."""
    before = configs(cluster, *changed)
    with clients(cluster, name, *changed) as loads:
        run = start_playbook("site", INVENTORY, **variables)
        wait_until("a first failure", lambda: any(one.failed_tries for one in loads), 2 * SECONDS)
        first = time.monotonic()
        code, output = end(run)
        took = time.monotonic() - first
    print(f"{name}: undone {took:.0f} s after the first failure that a client saw")
    assert code != 0 and took < SECONDS
    assert configs(cluster, *changed) == before
    assert records(cluster) == ""
    for one in changed:
        assert f"The earlier config of change/{one} is back and works" in output
    return str(output)


def test_a_bad_canary_goes_back_and_its_senders_stay_as_they_are(cluster: Cluster) -> None:
    agent = generation(cluster, "agent")
    bad = {"gateway": NOWHERE, "queue": NOWHERE}
    output = undone(cluster, "receivers", "gateway", "queue", targets=bad, marks={"agent": "b"})
    assert re.search(r"\[(exports_fail|receivers_refuse|log_errors|endpoint_nowhere)\]", output)
    assert "The new config is kept in ConfigMap change/gateway-" in output
    assert generation(cluster, "agent") == agent


def test_a_bad_canary_of_agents_goes_back(cluster: Cluster) -> None:
    gateway = generation(cluster, "gateway")
    output = undone(cluster, "agents", "agent", targets={"agent": NOWHERE})
    assert "1 of 2 nodes" in output
    assert generation(cluster, "gateway") == gateway


def test_a_good_canary_reaches_all_pods_receivers_first(cluster: Cluster) -> None:
    old, agent = configs(cluster, *WORKLOADS), generation(cluster, "agent")
    good = {"marks": dict.fromkeys(WORKLOADS, "b")}
    with clients(cluster, "good", *WORKLOADS):
        run = start_playbook("site", INVENTORY, **good)
        wait_until("the gateway changes", lambda: "gateway-change" in records(cluster), SECONDS)
        assert ("agent-change" in records(cluster), generation(cluster, "agent")) == (False, agent)
        code, _output = end(run)
    assert code == 0
    new = configs(cluster, *WORKLOADS)
    assert not {name for name in WORKLOADS if new[name] == old[name]}
    assert records(cluster) == ""
    assert re.search(r"changed=0 .*failed=0", site(**good)[1])


def test_a_run_that_is_killed_while_it_holds_a_canary_is_completed_by_the_next(cluster: Cluster) -> None:
    good = {"marks": {"gateway": "c", "queue": "b", "agent": "b"}}
    old = config(cluster, "gateway")
    run = start_playbook("site", INVENTORY, **good)
    wait_until("a canary", lambda: held(cluster), SECONDS)
    kill_run(run)
    assert "gateway-change" in records(cluster)
    code, output = site(**good)
    assert code == 0
    assert "A run that changed the collector change/gateway was interrupted, or still runs" in output
    assert (config(cluster, "gateway") != old, records(cluster), held(cluster)) == (True, "", False)


def held(cluster: Cluster) -> bool:
    return bool(cluster.get("deployment", "gateway")["spec"].get("minReadySeconds", 0) > SECONDS)


def test_a_rolling_change_that_does_not_start_goes_back(cluster: Cluster) -> None:
    """The address of the bad config is one that no pod has, which only the start of the Collector shows."""
    old = config(cluster, "gateway")
    marks = {"gateway": "c", "queue": "b", "agent": "b"}
    code, output = site(otel_collector_change={}, marks=marks, zpages="203.0.113.1:55679")
    assert (code, "203.0.113.1" in output) == (2, True)
    assert "The earlier config of change/gateway is back and works" in output
    assert (config(cluster, "gateway"), records(cluster)) == (old, "")
    assert re.search(r"changed=0 .*failed=0", site(marks=marks)[1])


def test_what_kubectl_sets_or_brings_back_goes_with_the_next_run(cluster: Cluster) -> None:
    """An apply alone leaves the items of lists that another field manager owns, such as variables."""
    given = {"otel_collector_change": {}, "marks": {"gateway": "c", "queue": "b", "agent": "b"}}
    for command in ("set env deployment/gateway BY_HAND=1", "rollout undo deployment/gateway"):
        cluster.host.check_output(f"kubectl -n {cluster.namespace} {command}")
        assert "BY_HAND" in variables(cluster)
        assert re.search(r"changed=1 .*failed=0", site(**given)[1])
        assert "BY_HAND" not in variables(cluster)
        assert re.search(r"changed=0 .*failed=0", site(**given)[1])


def variables(cluster: Cluster) -> set[str]:
    (container,) = cluster.get("deployment", "gateway")["spec"]["template"]["spec"]["containers"]
    return {one["name"] for one in container["env"]}
