# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart that a user gives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import source

OPERATOR = PRODUCTS["opentelemetry-operator"]
CHART = "name: opentelemetry-operator\nversion: 0.122.0\nappVersion: 0.158.0\n"


def folder(path: Path, text: str = CHART) -> str:
    (path / "Chart.yaml").write_text(text)
    return str(path)


def archive(path: Path, text: str = CHART, name: str = "opentelemetry-operator/Chart.yaml") -> str:
    with tarfile.open(path / "chart.tgz", "w:gz") as file:
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        file.addfile(entry, io.BytesIO(text.encode()))
    return str(path / "chart.tgz")


@pytest.mark.parametrize("write", [folder, archive])
def test_a_chart_on_disk_says_what_it_is(write: object, tmp_path: Path) -> None:
    described = source.read_chart(write(tmp_path))  # type: ignore[operator]
    assert described is not None
    assert source.checked_chart(OPERATOR, described, "") == "0.158.0"
    assert source.checked_chart(OPERATOR, described, "v0.158.0") == "0.158.0"


@pytest.mark.parametrize("given", ["", "oci://ghcr.io/x/opentelemetry-operator", "open-telemetry/operator"])
def test_a_chart_elsewhere_is_not_read(given: str) -> None:
    assert source.read_chart(given) is None


def test_a_chart_of_another_version_or_product_is_refused(tmp_path: Path) -> None:
    described = source.read_chart(folder(tmp_path)) or {}
    with pytest.raises(Problem, match=r"the chart has version 0\.158\.0 .*, not v0\.152\.0"):
        source.checked_chart(OPERATOR, described, "v0.152.0")
    with pytest.raises(Problem, match="this is the chart of opentelemetry-operator"):
        source.checked_chart(PRODUCTS["cert-manager"], described, "")


def test_what_is_no_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="this is not a Helm chart"):
        source.read_chart(archive(tmp_path, name="other.txt"))
    (tmp_path / "text.tgz").write_text("text")
    with pytest.raises(Problem, match="cannot read this chart"):
        source.read_chart(str(tmp_path / "text.tgz"))
