# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ansible-inventory` with the sources of clusters: EKS of the tests' AWS, kubeconfigs, and a hub with real Secrets."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from tests.support.servers import serve_answers
from tests.testbed.aws.server import send_order, start_process, stop_process

ROOT = Path(__file__).parents[2]
TOKEN, HUB_TOKEN = "token-of-a-cluster", "token-of-the-hub"
REGIONS = {"eu-west-1": ["shop", "bank"], "us-east-1": ["shop"]}
ARGO_CD, CLUSTER_API = "argocd.argoproj.io/secret-type=cluster", "cluster.x-k8s.io/cluster-name"
MANAGED = "/apis/cluster.open-cluster-management.io/v1/managedclusters"


def secret(secret_name: str, labels: dict[str, str], **data: Any) -> dict[str, Any]:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    namespace = "argocd" if "config" in data else "fleet"
    return {"metadata": {"name": secret_name, "namespace": namespace, "labels": labels}, "data": encoded}


def of_argo(name: str, server: str, **config: Any) -> dict[str, Any]:
    labels = {"argocd.argoproj.io/secret-type": "cluster", "stage": "prod"}
    word = name if name.isascii() and name.replace("-", "").isalnum() else "hostile"
    return secret(f"cluster-{word}", labels, name=name, server=server, config=config)


def of_cluster_api(name: str, suffix: str = "kubeconfig", **user: str) -> dict[str, Any]:
    config = {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}}],
        "users": [{"name": "admin", "user": {"token": TOKEN, **user}}],
        "contexts": [{"name": "admin", "context": {"cluster": name, "user": "admin"}}],
        "current-context": "admin",
    }
    return secret(f"{name}-{suffix}", {"cluster.x-k8s.io/cluster-name": name}, value=config)


def managed(name: str, *, accepted: bool = True) -> dict[str, Any]:
    claims = [{"name": "id.k8s.io", "value": f"uid-of-{name}"}]
    return {
        "metadata": {"name": name, "labels": {"cloud": "Azure"}},
        "spec": {"hubAcceptsClient": accepted, "managedClusterClientConfigs": [{"url": f"https://{name}:6443"}]},
        "status": {"clusterClaims": claims},
    }


SECRETS = {
    ARGO_CD: [
        of_argo("argo-token", "https://argo-token:6443", bearerToken=TOKEN, tlsClientConfig={"insecure": True}),
        of_argo("argo-aws", "https://argo-aws:6443", awsAuthConfig={"clusterName": "bank", "roleARN": "arn:role"}),
        of_argo("argo-command", "https://argo-command:6443", execProviderConfig={"command": "/bin/evil"}),
        of_argo("in-cluster", "https://kubernetes.default.svc"),
        of_argo("{{ lookup('pipe', 'touch evil') }}", "https://evil:6443", bearerToken=TOKEN),
    ],
    CLUSTER_API: [
        of_cluster_api("api-one"),
        of_cluster_api("api-one", "ca"),
        of_cluster_api("api-file", tokenFile="/etc/shadow"),
    ],
}


def hub(handler: BaseHTTPRequestHandler, _body: bytes) -> RawAnswer:
    """Answer as the API server of a hub does."""
    url = urlsplit(handler.path)
    if handler.headers.get("Authorization") != f"Bearer {HUB_TOKEN}":
        return RawAnswer(401, {}, b'{"kind": "Status", "message": "Unauthorized"}')
    selector = parse_qs(url.query).get("labelSelector", [""])[0]
    found = (
        [managed("azure-one"), managed("azure-new", accepted=False)] if url.path == MANAGED else SECRETS.get(selector)
    )
    if found is None:
        by_name = {row["metadata"]["name"]: row for rows in SECRETS.values() for row in rows}
        return RawAnswer(200, {}, json.dumps(by_name[url.path.rpartition("/")[2]]).encode())
    return RawAnswer(200, {"Content-Type": "application/json"}, json.dumps({"items": found}).encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def aws(folder: Path) -> Iterator[str]:
    url = start_process(folder / "aws")
    try:
        for region, names in REGIONS.items():
            for name in names:
                send_order(url, "cluster", region=region, name=name, endpoint=f"https://{name}.{region}.eks")
        yield url
    finally:
        stop_process(folder / "aws")


@pytest.fixture(scope="module")
def hub_config(folder: Path) -> Iterator[str]:
    with serve_answers(hub) as url:
        contexts = ("hub", "azure-one")
        config = {
            "clusters": [{"name": "hub", "cluster": {"server": url}}],
            "users": [{"name": "admin", "user": {"token": HUB_TOKEN}}],
            "contexts": [{"name": name, "context": {"cluster": "hub", "user": "admin"}} for name in contexts],
            "current-context": "hub",
        }
        path = folder / "hub.yml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        yield str(path)


Listed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def listed(folder: Path, aws: str) -> Listed:
    """Run a command of Ansible with an inventory of sources."""

    def run(*sources: Any, command: tuple[str, ...] = ("ansible-inventory", "--list"), **more: Any) -> Any:
        path = folder / "clusters.yml"
        path.write_text(
            json.dumps({"plugin": "o11y.opentelemetry.clusters", "sources": sources, **more}), encoding="utf-8"
        )
        program = str(Path(sys.executable).with_name(command[0]))
        given = {"AWS_ENDPOINT_URL": aws, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
        words = [program, "-i", str(path), *command[1:]]
        return subprocess.run(
            words, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def plain(value: Any) -> Any:
    """Return a value of `--list` without Ansible's marks of untrusted texts."""
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def hosts_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(plain(json.loads(done.stdout))["_meta"]["hostvars"])


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split())


def test_all_sources_give_hosts_and_no_credential(listed: Listed, hub_config: str, folder: Path) -> None:
    done = listed(
        {"type": "eks", "regions": list(REGIONS), "role_arn": "arn:aws:iam::123456789012:role/reader"},
        {"type": "kubeconfig", "path": hub_config, "contexts": ["h*"]},
        {"type": "argo_cd", "kubeconfig": hub_config},
        {"type": "cluster_api", "kubeconfig": hub_config, "namespace": "fleet"},
        {"type": "open_cluster_management", "kubeconfig": hub_config},
        hostname="otel_cluster.region ~ '-' ~ otel_cluster.name if otel_cluster.region else otel_cluster.name",
        keyed_groups=[{"key": "otel_cluster.source", "prefix": "from"}],
    )
    hosts = hosts_of(done)
    assert {"eu-west-1-shop", "eu-west-1-bank", "us-east-1-shop", "hub", "argo-token", "api-one", "azure-one"} < set(
        hosts
    )
    access = {"name": "bank", "region": "eu-west-1", "role_arn": "arn:aws:iam::123456789012:role/reader"}
    assert hosts["eu-west-1-bank"]["otel_collector_eks_cluster"] == access
    assert hosts["hub"]["otel_collector_kube_context"] == "hub"
    assert "name='cluster-argo-token'" in hosts["argo-token"]["otel_collector_kubeconfig"]
    assert hosts["azure-one"]["otel_expected_cluster"] == "uid-of-azure-one"
    assert hosts["argo-token"]["otel_cluster"]["labels"]["stage"] == "prod"
    for hidden in (TOKEN, HUB_TOKEN, base64.b64encode(TOKEN.encode()).decode()):
        assert hidden not in done.stdout + done.stderr
    told = words_of(done)
    assert "cluster in-cluster of Argo CD: it is the cluster of Argo CD itself" in told
    assert "ManagedCluster azure-new: the hub has not accepted it" in told
    assert not (ROOT / "evil").exists() and not (folder / "evil").exists()


def test_a_task_reads_the_kubeconfig_of_a_secret_and_refuses_commands_and_files(
    listed: Listed, hub_config: str
) -> None:
    sources = [{"type": "argo_cd", "kubeconfig": hub_config}, {"type": "cluster_api", "kubeconfig": hub_config}]
    shown = ("ansible", "all", "-m", "debug", "-a", "var=otel_collector_kubeconfig")
    done = listed(*sources, command=shown)
    told = " ".join((done.stdout + done.stderr).split())
    assert told.count(f"token: {TOKEN}") == 3, told
    assert "- eks - get-token - --cluster-name - bank - --role-arn - arn:role" in told
    assert "it names a command, which would run on the controller" in told
    assert "its kubeconfig has tokenFile" in told
    assert not (ROOT / "evil").exists()


def test_a_source_that_cannot_be_read_is_told_and_the_others_are_kept(
    listed: Listed, hub_config: str, folder: Path
) -> None:
    away = folder / "away.yml"
    away.write_text(Path(hub_config).read_text(encoding="utf-8").replace(HUB_TOKEN, "another"), encoding="utf-8")
    done = listed(
        {"type": "kubeconfig", "path": hub_config, "contexts": ["hub"]},
        {"type": "kubeconfig", "path": "/nowhere/config"},
        {"type": "argo_cd", "kubeconfig": str(away)},
        {"type": "eks", "regions": ["eu-west-1"], "profile": "nosuch"},
    )
    assert set(hosts_of(done)) == {"hub"}
    told = words_of(done)
    assert "A source of clusters is left out: sources[1] (kubeconfig: path /nowhere/config" in told
    assert f"A source of clusters is left out: sources[2] (argo_cd: namespace argocd, kubeconfig {away}" in told
    assert "Unauthorized" in told
    assert "A source of clusters is left out: sources[3] (eks: regions eu-west-1, profile nosuch)" in told
    required = listed(
        {"type": "kubeconfig", "path": hub_config}, {"type": "argo_cd", "kubeconfig": str(away), "required": True}
    )
    assert not hosts_of(required)
    assert "Unauthorized" in words_of(required)
    none = listed({"type": "kubeconfig", "path": hub_config, "contexts": ["none*"]})
    assert "has no cluster" in words_of(none)


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([], "it names no source"),
        ([{"type": "gke"}], "gke is no type of a source"),
        ([{"type": "eks"}], "missing required arguments: regions"),
        ([{"type": "eks", "regions": ["eu-west-1"], "rolearn": "x"}], "sources[0]"),
        ([{"type": "kubeconfig", "path": "/nowhere"}], "no source of clusters can be read"),
        ([{"type": "eks", "regions": list(REGIONS)}], "two clusters are named shop: of eks eu-west-1"),
    ],
    ids=["none", "unknown type", "missing option", "unknown option", "none can be read", "one name twice"],
)
def test_a_wrong_inventory_is_an_error(listed: Listed, sources: list[Any], says: str) -> None:
    done = listed(*sources)
    assert says in words_of(done), done.stderr
    assert not json.loads(done.stdout or "{}").get("_meta", {}).get("hostvars")


def test_labels_choose_and_one_server_is_one_host(listed: Listed, hub_config: str) -> None:
    argo = {"type": "argo_cd", "kubeconfig": hub_config, "labels": {"stage": "prod*"}}
    done = listed(argo, {**argo, "labels": {"stage": "test"}}, {"type": "kubeconfig", "path": hub_config})
    assert "argo-token" in hosts_of(done)
    assert "azure-one of source kubeconfig is left out: it is the cluster of host hub" in words_of(done)


def test_the_cache_has_no_credential_and_saves_calls(listed: Listed, hub_config: str, folder: Path) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
    first = listed({"type": "argo_cd", "kubeconfig": hub_config}, **cache)
    kept = [path.read_text(encoding="utf-8") for path in (folder / "cache").iterdir()]
    assert "cluster-argo-token" in "".join(kept)
    assert not any(hidden in text for text in kept for hidden in (TOKEN, HUB_TOKEN))
    SECRETS[ARGO_CD].append(of_argo("argo-late", "https://argo-late:6443", bearerToken=TOKEN))
    try:
        second = listed({"type": "argo_cd", "kubeconfig": hub_config}, **cache)
    finally:
        SECRETS[ARGO_CD].pop()
    assert hosts_of(first) == hosts_of(second)
