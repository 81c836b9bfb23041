"""The same collectors as Helm releases, by kubernetes.core.helm: of the official chart, or of a chart of our objects.

The official chart is that in the release mirror: MIRROR/opentelemetry-collector/vVERSION/chart/opentelemetry-collector.
Where there is none, each chart has the objects of one collector, which costs Helm less than templates do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "bench-helm"
OFFICIAL, OWN = "the official chart", "a chart of our objects"
NAME = "app.kubernetes.io/name"
WORKLOADS = ("Deployment", "DaemonSet")


def releases(scratch: Path, manifests: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return what the charts are, and a task for each collector in the manifests."""
    objects = list(yaml.safe_load_all(manifests.read_text()))
    workloads = [item for item in objects if item["kind"] in WORKLOADS]
    found = sorted(Path(os.environ["O11Y_RELEASE_MIRROR"]).glob("opentelemetry-collector/v*/chart/*/Chart.yaml"))
    if found:
        return OFFICIAL, [_task(item, found[-1].parent, _values(item, objects)) for item in workloads]
    return OWN, [_task(item, _chart(scratch, item, objects), {}) for item in workloads]


def _task(workload: dict[str, Any], chart: Path, values: dict[str, Any]) -> dict[str, Any]:
    name = workload["metadata"]["name"]
    options = {"release_namespace": NAMESPACE, "create_namespace": True, "values": values}
    return {"kubernetes.core.helm": {"name": name, "chart_ref": str(chart), **options}}


def _values(workload: dict[str, Any], objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what makes the official chart run a collector with the same image and config."""
    name = workload["metadata"]["name"]
    config = next(item for item in objects if item["kind"] == "ConfigMap" and item["metadata"]["name"] == name)
    repository, _, tag = workload["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")
    return {
        "mode": workload["kind"].lower(),
        "fullnameOverride": name,
        "image": {"repository": repository, "tag": tag},
        "alternateConfig": yaml.safe_load(config["data"]["config"]),
    }


def _chart(scratch: Path, workload: dict[str, Any], objects: list[dict[str, Any]]) -> Path:
    name = workload["metadata"]["name"]
    folder: Path = scratch / "charts" / name
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": name, "version": "0.1.0"}))
    own = [item for item in objects if item["metadata"].get("labels", {}).get(NAME) == name]
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(own))
    (folder / "templates" / "objects.yaml").write_text('{{ .Files.Get "objects.yaml" }}\n')
    return folder
