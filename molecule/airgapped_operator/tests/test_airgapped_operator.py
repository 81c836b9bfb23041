"""The operator, and all that it starts by itself, run out of the registry inside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, node_ips, wait_until

REGISTRY = f"{node_ips()[0]}:5000/operator"
FOLDER = Path(os.environ["O11Y_TESTBED_STATE"]) / "airgapped"
APP = PROJECT / "molecule" / "airgapped_operator" / "app.yaml"
KINDS = ("containers", "initContainers")
NAMESPACES = {"airgapped", "cert-manager", "opentelemetry-operator-system"}


@pytest.fixture(scope="module", autouse=True)
def application() -> Iterator[None]:
    host = Host.get_host("local://")
    text = APP.read_text(encoding="utf-8").replace("REGISTRY", REGISTRY)
    host.check_output("echo %s | kubectl apply -f -", text)
    wait_until("the application with its sidecar", lambda: ready(host, "app=shop"), 120)
    yield


def pods(host: Host, selector: str = "") -> list[dict[str, Any]]:
    found = json.loads(host.check_output(f"kubectl get pods -A -l '{selector}' -o json"))["items"]
    return [pod for pod in found if pod["metadata"]["namespace"] in NAMESPACES]


def statuses(host: Host, selector: str = "") -> list[dict[str, Any]]:
    kinds = ("containerStatuses", "initContainerStatuses")
    return [one for pod in pods(host, selector) for kind in kinds for one in pod["status"].get(kind, [])]


def ready(host: Host, selector: str) -> bool:
    found = statuses(host, selector)
    return bool(found) and all(one["ready"] for one in found)


def test_every_container_of_every_pod_is_of_the_registry_inside(host: Host) -> None:
    assert {pod["metadata"]["namespace"] for pod in pods(host)} == NAMESPACES
    wanted = {one["image"] for pod in pods(host) for kind in KINDS for one in pod["spec"].get(kind, [])}
    assert [name for name in wanted if not name.startswith(f"{REGISTRY}/")] == []
    # The image of a status is one of the node's names for the digest, and may be the name that is hidden there.
    names = {one["imageID"] for one in statuses(host)}
    assert [name for name in names if not name.startswith(f"{node_ips()[0]}:5000/")] == []


@pytest.mark.parametrize(
    "part",
    ["opentelemetry-operator", "target-allocator", "autoinstrumentation-python", "opentelemetry-collector-contrib"],
)
def test_what_the_operator_brings_runs(part: str, host: Host) -> None:
    names = {one["image"].partition("@")[0].rpartition("/")[2].partition(":")[0] for one in statuses(host)}
    assert part in names


def test_the_application_has_its_sidecar_and_its_instrumentation(host: Host) -> None:
    names = {one["name"] for one in statuses(host, "app=shop")}
    assert names == {"shop", "otc-container", "opentelemetry-auto-instrumentation-python"}


def test_the_mirror_has_the_release_of_the_operator() -> None:
    release = FOLDER / "opentelemetry-operator" / "v0.158.0"
    published = Path(os.environ["O11Y_RELEASE_MIRROR"]) / "opentelemetry-operator" / "v0.158.0"
    name = "opentelemetry-operator.yaml"
    assert (release / name).read_bytes() == (published / name).read_bytes()
    assert len(list((release / "images").glob("*.tar"))) == 3
