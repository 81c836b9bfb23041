"""All pods run out of the registry inside, and what was collected is what was needed."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import node_ips

REGISTRY = f"{node_ips()[0]}:5000/mirror"
FOLDER = Path(os.environ["O11Y_TESTBED_STATE"]) / "airgapped"
NAMESPACES = ("airgapped", "cert-manager")


def pods(host: Host) -> list[dict[str, Any]]:
    found = json.loads(host.check_output("kubectl get pods -A -o json"))["items"]
    return [pod for pod in found if pod["metadata"]["namespace"] in NAMESPACES]


def listed() -> list[list[str]]:
    lines = (FOLDER / "images.txt").read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_every_pod_runs_an_image_of_the_registry_inside(host: Host) -> None:
    found = pods(host)
    statuses = [one for pod in found for one in pod["status"]["containerStatuses"]]
    assert {pod["metadata"]["namespace"] for pod in found} == set(NAMESPACES)
    assert all(one["ready"] for one in statuses)
    # The image of a status is one of the node's names for the digest, and may be the name that is hidden there.
    names = {one["image"] for pod in found for one in pod["spec"]["containers"]} | {one["imageID"] for one in statuses}
    assert [name for name in names if not name.startswith(f"{REGISTRY}/")] == []


def test_what_runs_is_what_was_published(host: Host) -> None:
    digests = {digest for _image, digest, _archive in listed()}
    running = {one["imageID"].rpartition("@")[2] for pod in pods(host) for one in pod["status"]["containerStatuses"]}
    assert running and running <= digests


def test_every_pod_names_its_image_by_digest(host: Host) -> None:
    wanted = [one["image"] for pod in pods(host) for one in pod["spec"]["containers"]]
    digests = {digest for _image, digest, _archive in listed()}
    assert wanted
    assert {image.rpartition("@")[2] for image in wanted} <= digests


def test_the_lock_of_the_mirror_has_the_sums_of_its_archives() -> None:
    text = (FOLDER / "otel.lock.yml").read_text(encoding="utf-8")
    for _image, digest, archive in listed():
        assert f"sum: {digest}" in text
        assert f"sum: sha256:{hashlib.sha256((FOLDER / archive).read_bytes()).hexdigest()}" in text


def test_an_image_of_the_internet_cannot_be_had(host: Host) -> None:
    for row in listed():
        assert not host.run(f"skopeo inspect docker://{row[0]}").succeeded


def test_the_folder_is_a_release_mirror_with_all_images() -> None:
    release = FOLDER / "cert-manager" / "v1.21.2"
    published = Path(os.environ["O11Y_RELEASE_MIRROR"]) / "cert-manager" / "v1.21.2" / "cert-manager.yaml"
    assert (release / "cert-manager.yaml").read_bytes() == published.read_bytes()
    assert len(list((release / "images").glob("*.tar"))) == 3
    assert {archive.split("/")[0] for _image, _digest, archive in listed()} == {"cert-manager", "images"}


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in (listed() if FOLDER.exists() else [])])
def test_an_archive_has_its_image_under_its_own_name(row: list[str]) -> None:
    with tarfile.open(FOLDER / row[2]) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        (described,) = json.load(manifest)
        config = archive.extractfile(described["Config"])
        assert config
        assert hashlib.sha256(config.read()).hexdigest() == described["Config"].removesuffix(".json")
    assert described["RepoTags"] == [row[0]]


def test_data_goes_through(host: Host) -> None:
    arguments = {
        "via": {"namespace": "airgapped", "service": "gateway"},
        "arrival": {"namespace": "airgapped", "selector": "o11y.opentelemetry/collector=gateway", "evidence": "logs"},
    }
    host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(arguments))
