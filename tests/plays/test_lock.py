# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that write a lock, and those that compare with it, with a skopeo that answers without registries."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.contract.role import PLAY_VARIABLES
from tests.contract.source import steps
from tests.support.plays import run_playbook

IMAGE = "quay.io/jetstack/cert-manager-controller:v1.21.2"
MANIFEST = f"""\
{{apiVersion: v1, kind: Namespace, metadata: {{name: cert-manager}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: cert-manager, namespace: cert-manager, labels: {{app.kubernetes.io/version: v1.21.2}}}}
spec: {{template: {{spec: {{containers: [{{name: a, image: "{IMAGE}"}}]}}}}}}
"""
TO_EVERYBODY = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: more}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:unauthenticated"}]
"""
# Answers with the sum of the reference; `copy` writes its last argument but one to a log, and an archive.
SKOPEO = r"""#!/bin/sh
for last; do before=$end; end=$last; done
case "$*" in
  *--version*) echo skopeo ;;
  *" --raw "*) echo '{"config": {"digest": "sha256:of-each-image"}}' ;;
  *" inspect "*@*) echo "${end#*@}" ;;
  *" inspect "*) echo "sha256:$(printf %s "$end" | sha256sum | cut -c1-64)" ;;
  *" copy "*) echo "$before $end" >> "$SKOPEO_LOG"; file=${end#docker-archive:}
    case $end in docker-archive:*) printf %s "$before" > "${file%%.tar*}.tar" ;; esac ;;
esac
"""


class Inventory:
    """An inventory folder with one cluster, and a release that is a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock, self.log = folder, folder / "inventory" / "otel.lock.yml", folder / "log"
        self.manifest = folder / "cert-manager.yaml"
        self.manifest.write_text(MANIFEST)
        self.log.touch()
        (folder / "bin").mkdir()
        (folder / "bin" / "skopeo").write_text(SKOPEO)
        (folder / "bin" / "skopeo").chmod(0o755)
        self.lock.parent.mkdir()
        collectors = {"otel_collectors": [{"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}]}
        release = {"cert_manager_provider": "manifest", "cert_manager_source": str(self.manifest)}
        hosts = {"all": {"hosts": {"cluster": {**collectors, **release}}}}
        (self.lock.parent / "hosts.yml").write_text(json.dumps(hosts))

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection, without a cluster."""
        settings = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "SKOPEO_LOG": str(self.log)}
        path = f"playbooks/{name}.yml"
        return run_playbook(path, "-i", str(self.lock.parent), *arguments, **settings)

    def digest(self, image: str) -> str:
        """Return the digest that skopeo answers for an image."""
        return f"sha256:{hashlib.sha256(f'docker://{image}'.encode()).hexdigest()}"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Inventory(tmp_path)


def changed(run: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"changed=(\d+)", run.stdout)
    assert found, run.stdout + run.stderr
    return int(found[1])


def test_a_lock_is_written_once_and_pins_what_is_rendered(inventory: Inventory) -> None:
    shown = inventory.run("lock", "--check", "--diff")
    assert f"+          sum: {inventory.digest(IMAGE)}" in shown.stdout, shown.stdout + shown.stderr
    assert not inventory.lock.exists()
    assert changed(inventory.run("lock")) == 1
    text = inventory.lock.read_text()
    assert hashlib.sha256(MANIFEST.encode()).hexdigest() in text
    again = inventory.run("lock")
    assert (changed(again), inventory.lock.read_text()) == (0, text)
    rendered = inventory.run("render")
    collector = re.search(r"(\S+/opentelemetry-collector-contrib:\S+)@(sha256:\w+)", rendered.stdout)
    assert collector, rendered.stdout + rendered.stderr
    assert collector[2] == inventory.digest(collector[1])


# There is no cluster here, and the first task would end the run.
NO_CHECK = ("--skip-tags", "otel_target")


def test_a_difference_ends_the_run_before_anything_is_applied(inventory: Inventory) -> None:
    inventory.run("lock")
    inventory.manifest.write_text(f"{MANIFEST}# changed\n")
    sums = [hashlib.sha256(text.encode()).hexdigest() for text in (MANIFEST, f"{MANIFEST}# changed\n")]
    for name in ("site", "mirror"):
        refused = inventory.run(name, *NO_CHECK)
        assert refused.returncode != 0
        assert [one in refused.stdout + refused.stderr for one in sums] == [True, True], refused.stdout
        assert "o11y.opentelemetry.cert_manager" not in refused.stdout
    inventory.manifest.write_text(MANIFEST)
    added = inventory.run("site", *NO_CHECK, "-e", "otel_collector_image=example.com/own:1")
    assert "Use example.com/own:1: the lock does not have this image" in added.stdout + added.stderr
    # With the locked manifest, the run goes on to the cluster.
    assert "TASK [o11y.opentelemetry.cert_manager : found | " in inventory.run("site", *NO_CHECK).stdout


def test_a_release_that_gives_rights_to_everybody_is_neither_locked_nor_mirrored(inventory: Inventory) -> None:
    inventory.manifest.write_text(MANIFEST + TO_EVERYBODY)
    for name in ("lock", "mirror"):
        refused = inventory.run(name)
        assert "+ ClusterRoleBinding more: subject Group system:unauthenticated" in refused.stdout + refused.stderr
    assert not inventory.lock.exists()
    lines = ["ClusterRoleBinding more: subject Group system:unauthenticated"]
    lines += ["ClusterRoleBinding more: role cluster-admin, which is not in the release"]
    accepted = inventory.run("lock", "-e", json.dumps({"cert_manager_allow_privileges": lines}))
    assert accepted.returncode == 0, accepted.stdout


def test_the_mirror_copies_by_digest_and_checks_its_archives(inventory: Inventory) -> None:
    path = inventory.folder / "mirror"
    outside = ("-e", f"otel_mirror_path={path}")
    assert inventory.run("mirror", *outside).returncode == 0
    copied = [line.split()[0] for line in inventory.log.read_text().splitlines()]
    assert f"docker://{IMAGE.partition(':')[0]}@{inventory.digest(IMAGE)}" in copied
    assert [line for line in copied if not re.fullmatch(r"docker://[^@:]+@sha256:\w{64}", line)] == []
    assert inventory.digest(IMAGE) in (path / "otel.lock.yml").read_text()
    archives = sorted(path.rglob("*.tar"))
    assert len(archives) == 2
    assert changed(inventory.run("mirror", *outside)) == 0
    inside = (*outside, "-e", "otel_mirror_from=archives", "-e", "otel_mirror_registry=mirror.example:5000/m")
    pushed = inventory.run("mirror", *inside)
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    target = f"mirror.example:5000/m/{IMAGE.partition('/')[2]}"
    assert inventory.digest(target) in (path / "otel.lock.yml").read_text()
    archives[0].write_text("another")
    refused = inventory.run("mirror", *inside)
    assert hashlib.sha256(b"another").hexdigest() in refused.stdout + refused.stderr
    assert refused.returncode != 0


def test_a_mirror_run_that_failed_leaves_no_archive_of_another_digest(inventory: Inventory) -> None:
    outside = ("-e", f"otel_mirror_path={inventory.folder / 'mirror'}")
    assert inventory.run("lock").returncode == 0
    locked = inventory.lock.read_text()
    assert inventory.run("mirror", *outside).returncode == 0
    archives = {path: path.read_text() for path in (inventory.folder / "mirror").rglob("*.tar")}
    # All images have other digests, and the copy of the last one fails.
    images = _documents.read_yaml(inventory.lock)["all"]["vars"]["otel_lock"]["images"]
    text = locked
    for row in images.values():
        text = text.replace(row["sum"], f"sha256:{'b' * 64}")
    inventory.lock.write_text(text)
    skopeo = inventory.folder / "bin" / "skopeo"
    skopeo.write_text(SKOPEO.replace('*" copy "*)', '*" copy "*quay.io*) exit 1 ;;\n  *" copy "*)'))
    assert inventory.run("mirror", *outside).returncode != 0
    # With the digests of before, the archives are again those of before.
    skopeo.write_text(SKOPEO)
    inventory.lock.write_text(locked)
    assert inventory.run("mirror", *outside).returncode == 0
    assert {path: path.read_text() for path in archives} == archives


def test_an_inventory_that_is_no_file_needs_a_place_for_the_lock(inventory: Inventory) -> None:
    refused = inventory.run("lock", "-e", "otel_lock_file=relative.yml")
    assert "Set otel_lock_file to the absolute path of a file." in " ".join(refused.stdout.split())


def test_an_inventory_without_collectors_is_locked_too(inventory: Inventory) -> None:
    hosts = {"cluster": {"cert_manager_provider": "manifest", "cert_manager_source": str(inventory.manifest)}}
    (inventory.lock.parent / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    assert changed(inventory.run("lock")) == 1
    assert "opentelemetry-collector" not in inventory.lock.read_text()


def test_the_lock_holds_the_sample_application_if_the_inventory_sets_its_image(inventory: Inventory) -> None:
    app = ("sample_app", "-e", "otel_sample_app_state=rendered")
    inventory.run("lock")
    assert "python" not in inventory.lock.read_text()
    refused = inventory.run(*app)
    assert "Set `otel_sample_app_image` in the inventory" in " ".join((refused.stdout + refused.stderr).split())
    (inventory.lock.parent / "group_vars").mkdir()
    (inventory.lock.parent / "group_vars" / "all.yml").write_text("otel_sample_app_image: example.com/python:3\n")
    assert changed(inventory.run("lock")) == 1
    rendered = inventory.run(*app).stdout
    pinned = {match[0]: match[1] for match in re.findall(r"image: (\S*python\S*)@(sha256:\w+)", rendered)}
    assert "example.com/python:3" in pinned and len(pinned) == 2, rendered
    assert pinned == {image: inventory.digest(image) for image in pinned}


def test_a_lock_is_for_the_parts_that_site_deploys() -> None:
    gather, deploy = (steps(f"playbooks/tasks/{name}.yml") for name in ("mirror_gather", "deploy"))
    conditions = [
        [task.get("when") for task in tasks if part in str(task.get("ansible.builtin.include_role"))]
        for tasks in (gather, deploy)
        for part in ("otel_collector", "otel_instrumentation")
    ]
    # What has collectors is a variable of the target, which the lock of a file does not have.
    target = _documents.read_yaml(PLAY_VARIABLES / "target.yml")
    known = {"__otel_has_collectors": target["__otel_has_collectors"].strip("{} ")}
    assert conditions[:2] == [[known.get(when, when) for when in found] for found in conditions[2:]]
