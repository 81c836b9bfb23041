"""What happens to the objects of a change while it is under way: another run, a removal, a killed run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, join_printed_lines, wait_until
from tests.support.runs import start_playbook

INVENTORY = f"{PROJECT}/molecule/change/inventory.yml"
NAMESPACE = "meanwhile"
NOWHERE = {"nowhere": "true"}
SECONDS = 60


def collectors(*names: str, **more: Any) -> dict[str, Any]:
    """Return the variables of a run with some collectors, each of which may have a config of its own."""
    recipes = ["otlp_ingest", "debug_output"]
    items = [{"name": name, "recipes": recipes, "change": {}, **more.get(name, {})} for name in names]
    return {"otel_collector_namespace": NAMESPACE, "otel_collectors": items, "otel_collector_wait_seconds": 120}


def marked(value: str) -> dict[str, Any]:
    """Return what makes new pods of a collector."""
    return {"env": {"MARK": value}}


def waits(name: str) -> dict[str, Any]:
    """Return the variables of a run whose change waits for a node that does not exist."""
    return {**collectors(name, **{name: {"node_selector": NOWHERE}}), "otel_collector_unschedulable_seconds": 120}


def run(playbook: str, variables: dict[str, Any]) -> tuple[int, str]:
    return end(start_playbook(playbook, INVENTORY, **variables))


def end(running: subprocess.Popen[str]) -> tuple[int, str]:
    output = join_printed_lines(running.communicate()[0])
    print(output)
    return running.returncode, output


def kubectl(host: Host, command: str) -> str:
    return str(host.check_output(f"kubectl -n {NAMESPACE} {command}"))


def records(host: Host) -> str:
    found = host.run(f"kubectl -n {NAMESPACE} get configmaps -l o11y.opentelemetry/change --show-labels --no-headers")
    return str(found.stdout)


def changing(host: Host, name: str) -> subprocess.Popen[str]:
    """Return a run that waits for a pod of a change."""
    running = start_playbook("site", INVENTORY, **waits(name))
    wait_until("a pod of the change", lambda: "Pending" in kubectl(host, f"get pods -l {selector(name)}"), SECONDS)
    return running


def selector(name: str) -> str:
    return f"o11y.opentelemetry/collector={name}"


@pytest.fixture
def deployed() -> Iterator[None]:
    code, output = run("site", collectors("gateway"))
    assert code == 0, output
    yield
    assert run("remove", collectors("gateway", "agent"))[0] == 0


@pytest.mark.usefixtures("deployed")
def test_a_worker_whose_ansible_playbook_was_killed_writes_no_more(host: Host) -> None:
    running = changing(host, "gateway")
    children = host.check_output(f"pgrep -P {running.pid}").split()
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=10)
    assert children
    wait_until("the end of its workers", lambda: not any(alive(one) for one in children), 10)
    assert "under-way" in records(host)
    code, output = run("site", collectors("gateway", gateway=marked("a")))
    assert (code, records(host)) == (0, "")
    assert f"A run that changed the collector {NAMESPACE}/gateway was interrupted, or still runs" in output


def alive(process: str) -> bool:
    """Return whether a process runs; one that nobody has asked for its result does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False)
    return done.stdout.strip() not in ("", "Z", "Zs")


@pytest.mark.usefixtures("deployed")
def test_a_removal_ends_the_change_that_it_meets(host: Host) -> None:
    running = changing(host, "gateway")
    assert run("remove", collectors("gateway"))[0] == 0
    told(running, "was deleted too|another run, such as `remove`, or a user did it")
    assert records(host) == ""


@pytest.mark.usefixtures("deployed")
def test_a_namespace_that_is_deleted_ends_the_change_that_it_meets(host: Host) -> None:
    running = changing(host, "gateway")
    host.check_output(f"kubectl delete namespace {NAMESPACE} --wait=false")
    told(running, f"the namespace '{NAMESPACE}' (is being deleted|was deleted too)")


def told(running: subprocess.Popen[str], who: str) -> None:
    since = time.monotonic()
    code, output = end(running)
    assert (code, time.monotonic() - since < 20) == (2, True)
    assert re.search(rf"Deployment {NAMESPACE}/gateway: it was deleted: .*({who})", output)
    assert f"Nothing was brought back, because Deployment {NAMESPACE}/gateway was deleted." in output
    assert "is back" not in output and "is kept in" not in output


def test_the_first_run_ends_when_a_removal_meets_it(host: Host) -> None:
    running = changing(host, "gateway")
    assert run("remove", collectors("gateway"))[0] == 0
    since = time.monotonic()
    code, output = end(running)
    assert (code, time.monotonic() - since < 20, "it was deleted: " in output) == (2, True, True)


@pytest.mark.usefixtures("deployed")
def test_a_failed_change_goes_back_to_the_config_of_the_last_run_that_worked(host: Host) -> None:
    """The first run waits for the gateway, whose receiver changes before its sender, while another changes that."""
    sends = {
        "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": f"gateway.{NAMESPACE}.svc:4317", "insecure": True}}]
    }
    both = lambda one, two: collectors(  # noqa: E731
        "gateway", "agent", gateway=marked(one), agent={**sends, **marked(two)}
    )
    assert run("site", both("a", "one"))[0] == 0
    first = both("b", "three")
    first["otel_collectors"][0]["change"] = {"strategy": "canary", "observe_seconds": 30}
    loser = start_playbook("site", INVENTORY, **first)
    wait_until("the change of the gateway", lambda: "gateway-change" in records(host), SECONDS)
    assert run("site", collectors("agent", agent={**sends, **marked("two")}))[0] == 0
    code, output = end(loser)
    assert (code, "another run has changed it since this run" in output, records(host)) == (2, True, "")
    failing = {**sends, **marked("four"), "node_selector": NOWHERE}
    code, output = run("site", collectors("agent", agent=failing))
    assert (code, f"The earlier config of {NAMESPACE}/agent is back and works" in output) == (2, True)
    assert mark(host) == "two"


def mark(host: Host) -> str:
    found = json.loads(kubectl(host, "get deployment agent -o json"))
    (container,) = found["spec"]["template"]["spec"]["containers"]
    return str(next(one["value"] for one in container["env"] if one["name"] == "MARK"))


@pytest.mark.usefixtures("deployed")
def test_objects_of_an_earlier_version_are_taken_over(host: Host) -> None:
    kinds = "deployment/gateway service/gateway serviceaccount/gateway"
    kubectl(host, f"label {kinds} o11y.opentelemetry/release-")
    code, output = run("site", collectors("gateway"))
    assert code == 0, output
    assert "This run takes over objects of an earlier version of this collection" in output
    assert "changed=0" in run("site", collectors("gateway"))[1]
