# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server as a hub, with Secrets of Argo CD and Cluster API and ManagedClusters, as their sources find them.

It is also the cluster that all of them lead to. Plays reach it by what the inventory names, and write there.
Sources of the forms: declarative-setup.md of Argo CD, the kubeconfig contract of Cluster API, and the API
cluster.open-cluster-management.io/v1 of Open Cluster Management.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays
from tests.support.cluster import wait_until

ARGO, FLEET, TARGET = "sources-argocd", "sources-fleet", "sources-target"
READER = "found"
MANAGED_CLUSTERS = "managedclusters.cluster.open-cluster-management.io"
HOSTS = {"by-argo", "by-api", "by-ocm"}
LOOKUP_FORMS = {"by-argo": "argo_cd", "by-api": "cluster_api"}
TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
FREE: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def kubectl(*arguments: str, stdin: Any = None) -> str:
    given = None if stdin is None else json.dumps(stdin)
    done = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": fields}}


def definition() -> dict[str, Any]:
    """Return the kind ManagedCluster with the fields that its documentation has."""
    text, boolean, number = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
    spec = {
        "hubAcceptsClient": boolean,
        "leaseDurationSeconds": number,
        "managedClusterClientConfigs": rows_of(url=text, caBundle={"type": "string", "format": "byte"}),
        "taints": rows_of(key=text, value=text, effect=text),
    }
    status = {
        "clusterClaims": rows_of(name=text, value=text),
        "version": {"type": "object", "properties": {"kubernetes": text}},
        "capacity": TEXTS,
        "allocatable": TEXTS,
        "conditions": {"type": "array", "items": FREE},
    }
    parts = {"spec": {"type": "object", "properties": spec}, "status": {"type": "object", "properties": status}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": parts}},
        "subresources": {"status": {}},
    }
    plural, _dot, group = MANAGED_CLUSTERS.partition(".")
    names = {"plural": plural, "singular": "managedcluster", "kind": "ManagedCluster", "listKind": "ManagedClusterList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": MANAGED_CLUSTERS},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }


def reader() -> list[dict[str, Any]]:
    """Return an account that may write in one namespace alone; its token is what all sources lead to."""
    subject = {"kind": "ServiceAccount", "name": READER, "namespace": TARGET}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    place = {"name": READER, "namespace": TARGET}
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (ARGO, FLEET, TARGET)),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": place,
            "subjects": [subject],
            "roleRef": role,
        },
    ]


def kubeconfig(server: str, ca: str, token: str, context: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server, "certificate-authority-data": ca}}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": context,
    }


def secret(namespace: str, secret_name: str, labels: dict[str, str], secret_type: str, **data: str) -> dict[str, Any]:
    metadata = {"name": secret_name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret_type, "stringData": data}


def secrets(server: str, ca: str, token: str) -> list[dict[str, Any]]:
    of_argo = {"argocd.argoproj.io/secret-type": "cluster", "stage": "prod"}
    config = json.dumps({"bearerToken": token, "tlsClientConfig": {"insecure": False, "caData": ca}})
    command = json.dumps({"execProviderConfig": {"command": "/bin/false"}})
    of_api = {"cluster.x-k8s.io/cluster-name": "by-api"}
    value = json.dumps(kubeconfig(server, ca, token, "by-api-admin@by-api"))
    argo, api = "Opaque", "cluster.x-k8s.io/secret"
    return [
        secret(ARGO, "cluster-by-argo", of_argo, argo, name="by-argo", server=server, config=config),
        secret(ARGO, "cluster-command", of_argo, argo, name="command", server="https://c:1", config=command),
        secret(ARGO, "repository", {"argocd.argoproj.io/secret-type": "repository"}, argo, password=token),
        secret(FLEET, "by-api-kubeconfig", of_api, api, value=value),
        secret(FLEET, "by-api-ca", of_api, api, **{"tls.key": token}),
    ]


def managed(name: str, *, accepted: bool) -> dict[str, Any]:
    configs = [{"url": f"https://{name}.example.com:6443"}]
    return {
        "apiVersion": "cluster.open-cluster-management.io/v1",
        "kind": "ManagedCluster",
        "metadata": {"name": name, "labels": {"cloud": "Azure"}},
        "spec": {"hubAcceptsClient": accepted, "leaseDurationSeconds": 60, "managedClusterClientConfigs": configs},
    }


@dataclass(frozen=True)
class Hub:
    """The hub: where its inventory is, its kubeconfig, and the token that its Secrets have."""

    inventory: Path
    kubeconfig: Path
    token: str
    uid: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """Return what no list and no cache may have; an encoded token has the same middle wherever it begins."""
        encoded = (base64.b64encode(b" " * shift + self.token.encode()).decode()[8:-8] for shift in range(3))
        return (self.token, *encoded)


def lacks_cluster() -> str:
    asked = subprocess.run(["kubectl", "get", "--raw", "/readyz"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        return f"no cluster answers: {asked.stderr.strip()}"
    if os.environ.get("O11Y_TESTBED_KIND") not in ("embedded", "kind"):
        return "tests install no CustomResourceDefinition in a cluster of a user"
    return ""


def current() -> tuple[str, str]:
    """Return the address of the API server, and its CA in base64."""
    view = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    cluster = view["clusters"][0]["cluster"]
    return cluster["server"], cluster["certificate-authority-data"]


def make_managed_clusters(uid: str) -> None:
    kubectl("create", "-f", "-", stdin=definition())
    wait_until("ManagedClusters are served", lambda: "managedclusters" in kubectl("api-resources", "-o", "name"))
    rows = [managed("by-ocm", accepted=True), managed("new", accepted=False)]
    kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": rows})
    claim(uid)


def claim(uid: str) -> None:
    """Have the ManagedCluster say which id it has."""
    claims = [{"name": "id.k8s.io", "value": uid}, {"name": "kubeversion.open-cluster-management.io", "value": "v1.37"}]
    status = json.dumps({"status": {"clusterClaims": claims}})
    kubectl("patch", MANAGED_CLUSTERS, "by-ocm", "--subresource=status", "--type=merge", "-p", status)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    reason = lacks_cluster()
    if reason:
        print(f"SKIPPED: whether sources find what a hub has, because {reason}")
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hub")
    own = folder / "hub.kubeconfig"
    own.write_text(kubectl("config", "view", "--raw", "--minify", "--flatten"), encoding="utf-8")
    server, ca = current()
    try:
        kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": reader()})
        token = kubectl("-n", TARGET, "create", "token", READER).strip()
        kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": secrets(server, ca, token)})
        uid = kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
        make_managed_clusters(uid)
        contexts = folder / "managed.kubeconfig"
        contexts.write_text(yaml.safe_dump(kubeconfig(server, ca, token, "by-ocm")), encoding="utf-8")
        sources = [
            {"type": "argo_cd", "namespace": ARGO, "kubeconfig": str(own)},
            {"type": "cluster_api", "namespace": FLEET, "kubeconfig": str(own)},
            {"type": "open_cluster_management", "kubeconfig": str(own), "managed_kubeconfig": str(contexts)},
        ]
        cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
        groups = [{"key": "otel_cluster.source", "prefix": "from"}]
        inventory = folder / "clusters.yml"
        text = {"plugin": "o11y.opentelemetry.clusters", "sources": sources, "keyed_groups": groups, **cache}
        inventory.write_text(yaml.safe_dump(text), encoding="utf-8")
        yield Hub(inventory, own, token, uid)
    finally:
        kubectl("delete", "crd", MANAGED_CLUSTERS, "--ignore-not-found", "--timeout=60s")
        kubectl("delete", "namespace", ARGO, FLEET, TARGET, "--ignore-not-found", "--wait=false")


def without_marks(value: Any) -> Any:
    """Return a value of `--list` without Ansible's marks of untrusted texts."""
    if isinstance(value, dict):
        unmarked = {key: without_marks(one) for key, one in value.items()}
        return unmarked.get("__ansible_unsafe", unmarked)
    return [without_marks(one) for one in value] if isinstance(value, list) else value


def test_the_hub_gives_its_clusters_and_no_credential(hub: Hub) -> None:
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    done = subprocess.run(
        [program, "-i", str(hub.inventory), "--list", "--flush-cache"],
        env={**os.environ, "KUBECONFIG": "/nonexistent"},
        cwd=plays.ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = without_marks(json.loads(done.stdout))
    hosts = found["_meta"]["hostvars"]
    assert set(hosts) == HOSTS | {"command"}
    for name, form in LOOKUP_FORMS.items():
        assert f"form='{form}'" in hosts[name]["otel_collector_kubeconfig"]
    assert hosts["by-argo"]["otel_cluster"]["labels"]["stage"] == "prod"
    assert hosts["by-ocm"]["otel_expected_cluster"] == hub.uid
    assert hosts["by-ocm"]["otel_cluster"]["labels"] == {"cloud": "Azure"}
    assert found["from_cluster_api"]["hosts"] == ["by-api"]
    told = " ".join(done.stderr.split())
    assert "ManagedCluster new: the hub has not accepted it" in told
    kept = "".join(path.read_text(encoding="utf-8") for path in (hub.inventory.parent / "cache").iterdir())
    assert "cluster-by-argo" in kept
    for text in (done.stdout, done.stderr, kept):
        assert not [one for one in hub.hidden if one in text]


def play() -> list[dict[str, Any]]:
    """Return a play that writes one ConfigMap as each host, and asks for what its account may not see."""
    connection = {
        "kubeconfig": "{{ otel_collector_kubeconfig }}",
        "context": "{{ otel_collector_kube_context | default(omit) }}",
    }
    written = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "{{ inventory_hostname }}", "namespace": TARGET},
        "data": {"from": "{{ otel_cluster.source }}"},
    }
    forbidden = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "not-mine", "namespace": "default"}}
    write = {"o11y.opentelemetry.bundle_apply": {**connection, "manifests": [written]}}
    refused = {
        "o11y.opentelemetry.bundle_apply": {**connection, "manifests": [forbidden]},
        "register": "answer",
        "failed_when": f"'{TARGET}:{READER}' not in answer.msg",
    }
    tasks = [{"name": "Write", **write}, {"name": "Ask for too much", **refused}]
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]


def test_a_play_reaches_each_cluster_by_the_credentials_of_its_source(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "play.json").write_text(json.dumps(play()), encoding="utf-8")
    done = plays.run_playbook("-i", str(hub.inventory), str(tmp_path / "play.json"))
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0  # host `command`, whose Secret would run a program on the controller
    assert "it names a command, which would run on the controller" in told
    found = json.loads(kubectl("-n", TARGET, "get", "configmaps", "-o", "json"))["items"]
    data = {item["metadata"]["name"]: item.get("data", {}).get("from") for item in found}
    expected = {"by-argo": "argo_cd", "by-api": "cluster_api", "by-ocm": "open_cluster_management"}
    assert {name: data.get(name) for name in HOSTS} == expected, told
    assert done.stdout.count("failed=0") == len(HOSTS), told
    assert not [one for one in hub.hidden if one in done.stdout + done.stderr]


def test_site_compares_the_cluster_with_the_id_that_the_hub_knows(hub: Hub, tmp_path: Path) -> None:
    more = {"otel_collector_recipes": ["otlp_ingest", "debug_output"], "otel_collector_namespace": TARGET}
    (tmp_path / "vars.json").write_text(json.dumps(more), encoding="utf-8")
    site = ("playbooks/site.yml", "--check", "--limit", "by-ocm", "-e", f"@{tmp_path / 'vars.json'}", "--flush-cache")
    claim("another")
    try:
        done = plays.run_playbook("-i", str(hub.inventory), *site)
    finally:
        claim(hub.uid)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Go to the cluster another: it is cluster" in told, told
