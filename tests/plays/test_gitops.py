# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook `render` writes the files that a GitOps tool applies: all that `site` applies, the same in every run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.gitops_layout import KEPT_MARKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ref

from tests.support import plays
from tests.support.watched_runs import ReadyApi, serve_api

from .test_noop import kubeconfig

INVENTORIES = sorted(
    path.parent.name for path in plays.ROOT.glob("inventories/*/hosts.yml") if path.parent.name != "hosts"
)
GATEWAY: dict[str, Any] = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
SECRET = "s3cr3t-in-clear-text"
CUSTOM: dict[str, Any] = {**GATEWAY, "name": "custom", "backend": "operator"}
# The smallest releases that the roles take, by role: namespace, image and version of their Deployment.
RELEASES = {
    "cert_manager": ("cert-manager", "quay.io/jetstack/cert-manager-controller", "v1.21.2"),
    "otel_operator": (
        "opentelemetry-operator-system",
        "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator",
        "0.158.0",
    ),
}
APPS = {"name": "apps", "namespaces": ["opentelemetry", "shop"], "collector": {"name": "gateway"}}
COLLECTORS = [GATEWAY, {**GATEWAY, "namespace": "edge"}]
TWO: dict[str, Any] = {"eu": {}, "us": {}}
GROWTH = {"growth": [1, "100%"]}
INSTRUMENTATION: dict[str, Any] = {**APPS, "languages": {"python": {}}}


def rendered(out: Path, *arguments: str) -> str:
    done = plays.run_playbook("playbooks/render.yml", "-e", json.dumps({"otel_gitops_path": str(out)}), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def inventory(folder: Path, hosts: dict[str, Any], **variables: Any) -> str:
    path = folder / "inventory.json"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
    return str(path)


def files(out: Path) -> dict[str, str]:
    found = (path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in found}


def objects(out: Path, marks: bool = False) -> list[dict[str, Any]]:
    """Return the objects of the files that the kustomizations list, without the marks that only files have."""
    found: list[dict[str, Any]] = []
    for name in yaml.safe_load((out / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        if (out / name).is_dir():
            found += objects(out / name, marks)
        else:
            found += yaml.safe_load_all((out / name).read_text(encoding="utf-8"))
    return found if marks else [without_marks(one) for one in found]


def without_marks(manifest: dict[str, Any]) -> dict[str, Any]:
    annotations = manifest["metadata"].get("annotations", {})
    left = {key: value for key, value in annotations.items() if KEPT_MARKS.get(key) != value}
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "annotations"}
    return {**manifest, "metadata": metadata | ({"annotations": left} if left else {})}


def by_identity(found: Iterable[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    rows = [(ref(one), one) for one in found]
    assert len(dict(rows)) == len(rows), "an object is in two files"
    return dict(rows)


@pytest.mark.parametrize("name", INVENTORIES)
def test_the_files_have_the_objects_that_site_builds(name: str, tmp_path: Path) -> None:
    """The collectors of each inventory, under both backends: `site` applies what manifests.yml has."""
    existing = {"cert_manager_provider": "existing", "otel_operator_provider": "existing"}
    plain = {"otel_collector_output_path": str(tmp_path / "plain")}
    source = str(plays.ROOT / "inventories" / name)
    rendered(tmp_path / "out", "-i", source, "-e", json.dumps({**existing, **plain}))
    (cluster,) = (tmp_path / "out").iterdir()
    built = (tmp_path / "plain" / cluster.name / "manifests.yml").read_text(encoding="utf-8")
    assert by_identity(objects(cluster / "collectors")) == by_identity(yaml.safe_load_all(built))


def release(namespace: str, image: str, version: str) -> list[dict[str, Any]]:
    metadata = {"name": "a", "namespace": namespace, "labels": {"app.kubernetes.io/version": version}}
    pod = {"containers": [{"name": "manager", "image": f"{image}:{version}"}]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": pod}}},
    ]


def products(folder: Path) -> dict[str, Any]:
    """Return inputs of both products, whose releases are files."""
    given: dict[str, Any] = {}
    for role, parts in RELEASES.items():
        path = folder / f"{role}.yaml"
        path.write_text(yaml.safe_dump_all(release(*parts)), encoding="utf-8")
        given |= {f"{role}_provider": "manifest", f"{role}_source": str(path)}
    return given


def test_all_parts_of_an_inventory_are_written_and_the_second_run_changes_no_byte(tmp_path: Path) -> None:
    hosts: dict[str, Any] = {"eu": {}}
    parts = {"otel_collectors": [GATEWAY, CUSTOM], "otel_instrumentations": [INSTRUMENTATION], **products(tmp_path)}
    source = inventory(tmp_path, hosts, **parts)
    out = tmp_path / "out"
    first = rendered(out, "-i", source)
    assert "kind: Deployment" not in first, "the objects are in the files"
    written = files(out)
    assert set(written) == {
        f"{host}/{name}"
        for host in hosts
        for name in (
            ".o11y-render",
            "kustomization.yaml",
            "cert-manager/kustomization.yaml",
            "cert-manager/release.yml",
            "operator/kustomization.yaml",
            "operator/release.yml",
            "collectors/kustomization.yaml",
            "collectors/opentelemetry.yml",
            "collectors/opentelemetry/custom.yml",
            "collectors/opentelemetry/gateway.yml",
            "instrumentation/kustomization.yaml",
            "instrumentation/instrumentations.yml",
            "instrumentation/namespaces.yml",
        )
    }
    stages = yaml.safe_load(written["eu/kustomization.yaml"])["resources"]
    assert stages == ["cert-manager", "operator", "collectors", "instrumentation"]
    found = by_identity(objects(out / "eu", marks=True))
    assert {key[0] for key in found} >= {"Namespace", "Deployment", "OpenTelemetryCollector", "Instrumentation"}
    for namespace in ("opentelemetry", "shop"):
        annotations = found["Namespace", "", namespace]["metadata"]["annotations"]
        assert annotations["instrumentation.opentelemetry.io/inject-python"] == "opentelemetry/apps"
        assert annotations.items() >= KEPT_MARKS.items()
    second = rendered(out, "-i", source)
    assert files(out) == written
    assert second.count("changed=0 ") == len(hosts)


def test_site_finds_nothing_to_change_where_the_files_were_applied(tmp_path: Path) -> None:
    """Whoever applies the files brings about what `site` does, but for the marks of ownership."""
    source = inventory(
        tmp_path, {"eu": {}}, otel_collectors=[GATEWAY, {**GATEWAY, "name": "agent", "mode": "daemonset"}]
    )
    rendered(tmp_path / "out", "-i", source)
    api = ReadyApi({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    with serve_api(api) as url:
        done = plays.run_playbook(
            "playbooks/site.yml", "-i", source, "-e", f"otel_collector_kubeconfig={kubeconfig(tmp_path, url)}"
        )
    assert done.returncode == 0, done.stdout + done.stderr
    live = {ref(one): one for one in api.objects.values()}
    for key, manifest in by_identity(objects(tmp_path / "out" / "eu")).items():
        assert live[key].get("spec", {}).items() >= manifest.get("spec", {}).items()
        assert live[key].get("data") == manifest.get("data")
        assert live[key]["metadata"]["labels"] == manifest["metadata"]["labels"]
    from_files = set(by_identity(objects(tmp_path / "out" / "eu")))
    assert {key[0] for key in set(live) - from_files} == {"Namespace"}, "those that every cluster has"


@pytest.fixture(scope="module")
def played_for_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of two clusters, each with two collectors, of an inventory whose waves grow."""
    folder = tmp_path_factory.mktemp("two")
    rendered(folder / "out", "-i", inventory(folder, TWO, otel_collectors=COLLECTORS, otel_waves=GROWTH))
    return folder / "out"


def test_files_of_a_collector_that_is_gone_are_removed_and_those_of_others_stay(
    tmp_path: Path, played_for_two: Path
) -> None:
    out = shutil.copytree(played_for_two, tmp_path / "out")
    (out / "eu" / "collectors" / "opentelemetry" / "mine.yml").write_text("kind: Mine\n", encoding="utf-8")
    (out / "README.md").write_text("Ours\n", encoding="utf-8")
    source = inventory(tmp_path, {"eu": {}}, otel_collectors=[{**GATEWAY, "name": "other"}])
    planned = rendered(out, "-i", source, "--check")
    assert "collectors/edge/gateway.yml" in planned
    assert (out / "eu" / "collectors" / "edge" / "gateway.yml").is_file()
    told = rendered(out, "-i", source)
    left = {name for name in files(out) if name.startswith("eu/collectors/")}
    assert left == {
        "eu/collectors/kustomization.yaml",
        "eu/collectors/opentelemetry.yml",
        "eu/collectors/opentelemetry/mine.yml",
        "eu/collectors/opentelemetry/other.yml",
    }
    assert not (out / "eu" / "collectors" / "edge").exists()
    assert (out / "us" / "collectors" / "edge" / "gateway.yml").is_file(), "a cluster is never removed by itself"
    assert "us is of no host of the inventory" in " ".join(told.split())


def test_a_new_host_moves_no_cluster_of_a_growth(tmp_path: Path, played_for_two: Path) -> None:
    out = shutil.copytree(played_for_two, tmp_path / "out")
    before = files(out)
    hosts = {"asia": {}, **TWO}
    rendered(out, "-i", inventory(tmp_path, hosts, otel_collectors=COLLECTORS, otel_waves=GROWTH))
    assert {path.name for path in out.iterdir()} == set(hosts)
    assert files(out).items() > before.items()


@pytest.fixture(scope="module")
def played_in_waves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a run for clusters in waves, with a page of changes, and what the run prints."""
    folder = tmp_path_factory.mktemp("waves")
    out, page = folder / "out", folder / "changes.md"
    waves = [
        {"name": "first", "members": ["eu"], "on_failure": "roll_back_wave"},
        {"name": "rest", "members": ["all:!eu"], "approval": True},
    ]
    hosts = {"bad": {"otel_collectors": [{"name": "bad", "recipes": ["unknown"]}]}, **TWO}
    source = inventory(folder, hosts, otel_collectors=[GATEWAY], otel_waves=waves)
    asked = ["-e", f"otel_gitops_path={out}", "-e", f"otel_gitops_changes_path={page}", "-e", "otel_wave_until=first"]
    done = plays.run_playbook("playbooks/render.yml", "-i", source, *asked)
    return folder, done.stdout + done.stderr


def folders(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.glob("*/*")}


def test_files_need_no_approval_and_one_bad_cluster_stops_no_other(played_in_waves: tuple[Path, str]) -> None:
    """The gates of waves are about hosts that change; `render` changes none."""
    folder, printed = played_in_waves
    assert printed.count("failed=1 ") == 1, printed
    assert folders(folder / "out") == {"first/eu", "rest/us"}
    told = (folder / "changes.md").read_text(encoding="utf-8")
    assert told.startswith(
        "# 2 of 2 clusters change\n\nNot rendered: bad. What changes there is unknown.\n\n## eu, us\n"
    )


def test_a_cluster_that_changes_its_wave_moves(tmp_path: Path, played_in_waves: tuple[Path, str]) -> None:
    out = shutil.copytree(played_in_waves[0] / "out", tmp_path / "out")
    waves = [{"name": "first", "members": ["us"]}, {"name": "rest", "members": ["eu"]}]
    source = inventory(tmp_path, TWO, otel_collectors=[GATEWAY], otel_waves=waves)
    page = tmp_path / "changes.md"
    told = " ".join(rendered(out, "-i", source, "--limit", "eu", "-e", f"otel_gitops_changes_path={page}").split())
    assert folders(out) == {"rest/eu", "rest/us"}
    assert "the folder of eu moved from `first/eu` to `rest/eu`; let the tool" in told
    assert page.read_text(encoding="utf-8") == (
        "# 1 of 1 clusters change\n\nNot rendered: us. What changes there is unknown.\n\n"
        "- eu: moved from `first/eu` to `rest/eu`\n"
    )


def test_a_pull_request_shows_what_its_inventory_changes(tmp_path: Path, played_for_two: Path) -> None:
    out, page = shutil.copytree(played_for_two, tmp_path / "out"), tmp_path / "changes.md"
    before = files(out)
    more = {**GATEWAY, "recipes": ["otlp_ingest", "cluster_events", {"debug_output": {"verbosity": "detailed"}}]}
    hosts = {"eu": {"otel_collectors": [more, *COLLECTORS[1:]]}, "us": {}}
    source = inventory(tmp_path, hosts, otel_collectors=COLLECTORS)
    rendered(out, "-i", source, "--check", "-e", f"otel_gitops_changes_path={page}")
    told = page.read_text(encoding="utf-8")
    assert told.startswith("# 1 of 2 clusters change\n\n## eu\n\n### Collector opentelemetry/gateway\n")
    assert "| component | added `receivers.k8s_events` |" in told
    assert "| right | added `namespaces by ClusterRole opentelemetry.gateway`: `get, list, watch` |" in told
    assert "| setting | changed `exporters.debug.verbosity`: `basic` becomes `detailed` |" in told
    assert files(out) == before


# What is in the folder of the cluster or where a link leads: where, what, and what `render` says.
OTHERS: dict[str, tuple[str, str, str]] = {
    "a file": ("eu/collectors/opentelemetry.yml", "kind: Mine", "playbook render did not write"),
    "a marker without files": ("eu/.o11y-render", "[]", "it does not list files"),
    "a marker of files of others": (
        "eu/.o11y-render",
        json.dumps({"host": "eu", "files": ["../../others/mine.yml"]}),
        "which is not in the folder",
    ),
    "a link in the folder": ("eu/collectors/opentelemetry", "-> others", "it is a link"),
    "a folder of a wave that the cluster has left": ("old/eu/l", "-> others", "it is a link"),
    "a folder of another name": ("zzz/l", "-> others", "it is of host 'eu', and its folder is 'zzz'"),
    "a marker": ("eu/.o11y-render", "-> others/marker", "it is a link"),
    "a marker that leads nowhere": ("eu/.o11y-render", "-> others/none", "it is a link"),
    "the folder of a marker": ("old", "-> others/wave", "it is a link"),
}


def write_others(folder: Path, kind: str) -> None:
    """Write what is of others below the folder that `render` gets, and beside."""
    path, content, _said = OTHERS[kind]
    marker = json.dumps({"host": "eu", "files": ["l/mine.yml"]})
    texts = {"others/mine.yml": f"kind: {SECRET}\n", "others/marker": marker, "others/wave/eu/.o11y-render": marker}
    if path.endswith("/l"):
        texts[f"out/{path.removesuffix('l')}.o11y-render"] = marker
    if not content.startswith("-> "):
        texts[f"out/{path}"] = content
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    if content.startswith("-> "):
        (folder / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "out" / path).symlink_to(folder / content.removeprefix("-> "))


def refused(folder: Path, collector: dict[str, Any], *more: str) -> str:
    """Return why `render` does not write the files of a cluster below a folder, which has to stay as it is."""
    source = inventory(folder, {"eu": {}}, otel_collectors=[collector])
    before = files(folder)
    asked = ["-e", f"otel_gitops_path={folder / 'out'}", "-e", f"otel_gitops_changes_path={folder / 'changes.md'}"]
    done = plays.run_playbook("playbooks/render.yml", "-i", source, *asked, *more)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0, told
    assert SECRET not in told
    assert files(folder) == before
    return told


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_of_others_is_neither_written_nor_read_nor_removed(kind: str, tmp_path: Path) -> None:
    """Nor is a link, for the page of changes."""
    write_others(tmp_path, kind)
    assert OTHERS[kind][2] in refused(tmp_path, GATEWAY, "--diff")


@pytest.mark.parametrize(
    "kind", [kind for kind, (_path, content, _said) in OTHERS.items() if content.startswith("-> ")]
)
def test_check_mode_reads_nothing_through_a_link(kind: str, tmp_path: Path) -> None:
    write_others(tmp_path, kind)
    assert OTHERS[kind][2] in refused(tmp_path, GATEWAY, "--check")


def test_a_secret_in_clear_text_is_never_written(tmp_path: Path) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": SECRET}}
    told = refused(tmp_path, {**GATEWAY, "extra_manifests": [secret]})
    assert "a secret would stand in clear text in collectors/opentelemetry/gateway.yml" in told


@pytest.fixture(scope="module")
def played_with_products(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a cluster with a chart and a product that only `site` installs, and what the run tells."""
    folder = tmp_path_factory.mktemp("products")
    given = {
        **products(folder),
        "cert_manager_provider": "helm",
        "cert_manager_helm_values": {"global": {"logLevel": 3}},
        "otel_operator_certificates": "generated",
    }
    source = inventory(folder, {"eu": {}}, otel_collectors=[GATEWAY], **given)
    told = " ".join(rendered(folder / "out", "-i", source).split())
    return folder / "out" / "eu", told


def test_what_only_site_can_install_is_named(played_with_products: tuple[Path, str]) -> None:
    folder, told = played_with_products
    assert "opentelemetry-operator is in no file: its certificate is made in the cluster" in told
    assert not (folder / "operator").exists()


def test_a_helm_release_has_its_namespace_and_its_values(played_with_products: tuple[Path, str]) -> None:
    folder = played_with_products[0] / "cert-manager"
    values = yaml.safe_load((folder / "values.yml").read_text(encoding="utf-8"))
    assert values["global"]["logLevel"] == 3
    assert [ref(one) for one in objects(folder)] == [("Namespace", "", "cert-manager")]
