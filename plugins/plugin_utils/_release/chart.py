# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Helm chart on disk says of itself. Controller only. Private."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import Problem
from ...module_utils._core.releases.products import Product
from ...module_utils._core.releases.versions import read as read_version
from .. import _sources, _yaml

_FILE = "Chart.yaml"


def read(chart: str) -> dict[str, Any] | None:
    """Return what a chart on disk says of itself, or nothing for a reference to one elsewhere."""
    path = Path(chart).expanduser()
    if not chart or "://" in chart or not path.exists():
        return None
    said = _sources.read_yaml(path / _FILE) if path.is_dir() else _yaml.load(_archived(path), f"{path}/{_FILE}").data
    if not isinstance(said, dict) or "name" not in said:
        raise Problem(
            "this is no Helm chart", where=str(path), fix="Give the folder with its Chart.yaml, or its archive."
        )
    return {**said, "path": str(path)}


def checked(product: Product, chart: dict[str, Any], asked: str) -> str:
    """Return the version of the product in a chart. Raises Problem when it is not what was asked for."""
    if chart["name"] != product.name:
        raise Problem(
            f"this is the chart of {chart['name']}", where=chart["path"], fix=f"Give the chart of {product.title}."
        )
    found = str(chart.get("appVersion") or chart.get("version"))
    if asked and read_version(asked) != read_version(found):
        raise Problem(
            f"the chart has version {found} of {product.title}, not {asked}",
            where=chart["path"],
            fix="Leave the version out, or give the chart of that version.",
        )
    return found


def refuse_eks_cluster(wanted: Product, arguments: Mapping[str, Any]) -> None:
    """Refuse what the program helm cannot do: it takes a kubeconfig, and no module of ours stands between."""
    cluster = arguments["eks_cluster"]
    if cluster and arguments["provider"] == "helm":
        name = cluster.get("name", "")
        raise Problem(
            f"helm connects by a kubeconfig, and the cluster is given as eks_cluster ({name})",
            asked=f"Install {wanted.title} with provider helm",
            fix=f"Use provider manifest, or give a kubeconfig (aws eks update-kubeconfig --name {name}) in its place.",
        )


def _archived(path: Path) -> str:
    try:
        with tarfile.open(path) as archive:
            names = [name for name in archive.getnames() if name.count("/") == 1 and name.endswith(f"/{_FILE}")]
            file = archive.extractfile(names[0]) if names else None
            return file.read().decode() if file else ""
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read this chart: {error}", where=str(path), fix="Give a folder or a .tgz.") from error
