"""The operator from its Helm chart: installed, unchanged by a second run, and removed. It follows test_changes.py."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster

VERSION = "0.158.0"
CHART = Path(os.environ["O11Y_RELEASE_MIRROR"], "opentelemetry-operator", f"v{VERSION}", "chart/opentelemetry-operator")
INVENTORY = f"-i {PROJECT}/molecule/operator_changes/inventory.yml"
SITE, REMOVE = (f"ansible-playbook o11y.opentelemetry.{name} {INVENTORY}" for name in ("site", "remove"))
HELM = f"-e otel_operator_provider=helm -e otel_operator_chart={CHART}"


@pytest.fixture(scope="module")
def installed(host: Host) -> Iterator[str]:
    """What the site prints that installs the operator by Helm on a cluster without one."""
    if not CHART.is_dir():
        pytest.skip(f"the release mirror has no {CHART}")
    host.check_output(REMOVE)
    done = host.run(f"{SITE} {HELM}")
    assert done.rc == 0, done.stdout
    yield str(done.stdout)
    host.check_output(f"{REMOVE} {HELM}")
    assert releases(host) == {}
    assert host.check_output("kubectl get crds -o name | grep opentelemetry || true") == ""


def releases(host: Host) -> dict[str, str]:
    """Return the status of every Helm release by its name."""
    found = json.loads(host.check_output("helm list --all-namespaces --all -o json"))
    return {item["name"]: item["status"] for item in found}


def test_helm_installs_the_operator_and_collectors_run_under_it(host: Host, installed: str) -> None:
    assert releases(host) == {"opentelemetry-operator": "deployed"}
    operator = Cluster(host, "opentelemetry-operator-system").get("deployment", "opentelemetry-operator")
    images = [one["image"] for one in operator["spec"]["template"]["spec"]["containers"]]
    assert [image for image in images if image.endswith(f"/opentelemetry-operator:{VERSION}")]
    assert Cluster(host, "changes").get("deployment", "gateway-collector")["status"]["readyReplicas"] == 2
    assert re.search(r"changed=[1-9]\d* .*failed=0", installed)


def test_a_second_run_changes_nothing(host: Host, installed: str) -> None:
    again = host.check_output(f"{SITE} {HELM}")
    assert re.search(r"changed=0 .*failed=0", again), again
