# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a Helm chart from a folder or an archive of the controller. Controller only. Private.

For example, the chart in `/srv/charts/cert-manager-v1.18.0.tgz` has the name `cert-manager`, a version, the version of
the product, and a SHA-256. `own_release.py` reads the chart that Helm installs, and `release_mirror.py` those that
belong into a mirror.

Helm follows links in a chart. A link out of the chart would bring a file of the controller, so it is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import parse_release_version
from ...module_utils._otelcol.bounded.live.bounded_reads import (
    BROKEN_ERRORS,
    add_to_sum,
    compute_file_sum,
    read_archive_member,
)
from ...module_utils._otelcol.bounded.read_limits import CHART_FILE_LIMIT, CHART_LIMIT
from ...module_utils._otelcol.errors import Problem
from .._otelcol import _documents, _files, _yaml
from .release_origins import is_address

_CHART_FILE = "Chart.yaml"


@dataclass(frozen=True)
class ChartOnDisk:
    """A Helm chart in a folder or an archive of the controller."""

    name: str
    version: str
    """The version of the chart itself."""
    product_version: str
    """Its `appVersion`, or its own version without one."""
    path: str
    checksum: str


def read_chart(chart: str) -> ChartOnDisk | None:
    """Return a chart on disk, or None for a reference to a remote chart. Raises Problem for what is no chart."""
    if not chart or is_address(chart):
        return None
    path = _files.expand_path(chart)
    if not _files.is_path_of_kind(path, Path.exists):
        return None
    metadata = _read_metadata(path)
    version = metadata["version"]
    return ChartOnDisk(
        name=metadata["name"],
        version=str(version),
        product_version=str(metadata.get("appVersion") or version),
        path=str(path),
        checksum=_compute_chart_sum(path),
    )


def check_chart_version(product: Product, chart: ChartOnDisk, wanted_version: str) -> str:
    """Return the version of the product in a chart. Raises Problem if it differs from the requested one."""
    if chart.name != product.name:
        fix = f"Give the chart of {product.title}."
        raise Problem(f"this is the chart of {chart.name}", where=chart.path, fix=fix)
    if wanted_version and parse_release_version(wanted_version) != parse_release_version(chart.product_version):
        wrong = f"the chart has version {chart.product_version} of {product.title}, not {wanted_version}"
        raise Problem(wrong, where=chart.path, fix="Omit the version, or give the chart of that version.")
    return chart.product_version


# ── The file Chart.yaml ──


def _read_metadata(path: Path) -> Mapping[str, Any]:
    """Return the content of Chart.yaml, which has a name and a version. Raises Problem for what is no chart."""
    if path.is_dir():
        _check_links(path)
        metadata = _documents.read_yaml(path / _CHART_FILE)
    else:
        metadata = _yaml.load(_read_archived_metadata(path), f"{path}/{_CHART_FILE}").data
    if not isinstance(metadata, dict) or "name" not in metadata:
        fix = "Give the folder with its Chart.yaml, or its archive."
        raise Problem("this is not a Helm chart", where=str(path), fix=fix)
    if not metadata.get("version"):
        wrong = f"this is not a Helm chart: its {_CHART_FILE} has no version"
        raise Problem(wrong, where=str(path), fix="Give the chart as its project publishes it.")
    return metadata


def _check_links(folder: Path) -> None:
    """Raise Problem for a link in the folder of a chart to a file outside of it, or to nothing."""
    real_folder = folder.resolve()
    for entry in sorted(folder.rglob("*")):
        leads_inside = entry.exists() and entry.resolve().is_relative_to(real_folder)
        if entry.is_symlink() and not leads_inside:
            wrong = f"its file {entry.relative_to(folder)} is a link to {entry.readlink()}"
            fix = "Put the file itself there, or remove the link."
            raise Problem(wrong, asked="Read a chart", where=str(folder), fix=fix)


def _read_archived_metadata(path: Path) -> str:
    """Return the text of Chart.yaml in an archive. Raises Problem for what is no archive, or has no such file."""
    try:
        return read_archive_member(path, _is_chart_file, (CHART_FILE_LIMIT, CHART_LIMIT)).decode()
    except (*BROKEN_ERRORS, UnicodeDecodeError) as error:
        fix = "Download or pack it again; a chart is a folder or a .tgz."
        raise Problem(f"cannot read this chart: {error}", where=str(path), fix=fix) from error


def _is_chart_file(name: str) -> bool:
    """Whether a file of an archive is the Chart.yaml of the chart, such as `cert-manager/Chart.yaml`.

    The charts that it brings have theirs in folders below.
    """
    return name.removeprefix("./").count("/") == 1 and name.endswith(f"/{_CHART_FILE}")


# ── The sum ──


def _compute_chart_sum(path: Path) -> str:
    """Return the SHA-256 of an archive, or of the names and contents of all files of a folder."""
    if not path.is_dir():
        return compute_file_sum(path, CHART_LIMIT)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            add_to_sum(digest, file, CHART_LIMIT, file.relative_to(path).as_posix())
    return f"sha256:{digest.hexdigest()}"
