# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gitops_render removes what an inventory has no more, and not all files because nothing was rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _gitops_files

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "telemetry"}}
RENDERED = {"collectors": {"manifests": [NAMESPACE], "collectors": [{"namespace": "telemetry", "name": "agent"}]}}
# What roles return that render nothing.
NOTHING: list[dict[str, Any]] = [{}, {"collectors": {"manifests": [], "collectors": []}}]


def write(root: Path, check: bool = False, **arguments: Any) -> dict[str, Any]:
    defaults = {"wave": "", "compare": False, "collectors": {}, "instrumentation": {}, "products": []}
    options = {"path": str(root), "host": "eu", **defaults, **arguments}
    return _gitops_files.write_cluster_files(options, {"eu"}, check=check)


def list_files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("wave", ["", "rest"])
@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_rendered_removes_no_file(nothing: dict[str, Any], wave: str, check: bool, tmp_path: Path) -> None:
    write(tmp_path, **RENDERED)
    files_before = list_files(tmp_path)
    with pytest.raises(Problem) as raised:
        write(tmp_path, check, wave=wave, **nothing)
    assert "nothing was rendered for eu, and all its files would be removed" in str(raised.value)
    assert f"Remove the folder {tmp_path / 'eu'}" in str(raised.value)
    assert list_files(tmp_path) == files_before


@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_rendered_is_fine_where_nothing_was(nothing: dict[str, Any], tmp_path: Path) -> None:
    for is_changed in (True, False):
        assert write(tmp_path, **nothing)["changed"] is is_changed
    assert list_files(tmp_path) == ["eu/.o11y-render", "eu/kustomization.yaml"]
