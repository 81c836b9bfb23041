# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._cluster_sources import read_kubeconfig


def test_a_file_that_is_no_kubeconfig_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("- a\n")
    with pytest.raises(Problem) as refused:
        read_kubeconfig(str(file))
    assert str(file) in str(refused.value)
    assert "it is no kubeconfig" in str(refused.value)
    assert refused.value.fix == "Give the path of a kubeconfig, such as ~/.kube/config."


def test_a_kubeconfig_is_returned_as_data(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("contexts: []\n")
    assert read_kubeconfig(str(file)) == {"contexts": []}
