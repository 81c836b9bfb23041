# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a kubeconfig that cannot be read, and what is not said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api import connect

BROKEN = "users:\n- name: me\n  user: {token: 'very-secret\nclusters: []\n"
VARIABLES = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")


def said(params: dict[str, Any]) -> str:
    module: Any = SimpleNamespace(params=params, tmpdir="/nonexistent")
    with pytest.raises(Problem) as raised:
        connect.connect(module)
    return str(raised.value)


@pytest.mark.parametrize("variable", ["", *VARIABLES])
def test_a_kubeconfig_that_is_no_yaml_is_named_and_not_quoted(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*VARIABLES, "K8S_AUTH_HOST", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config"
    path.write_text(BROKEN)
    if variable:
        monkeypatch.setenv(variable, str(path))
    message = said({} if variable else {"kubeconfig": str(path)})
    assert f"{path}, line " in message
    assert "no YAML" in message
    assert "very-secret" not in message
