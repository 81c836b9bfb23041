# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on the controller is an error with the command that installs it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.explain import library
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _needed, _sources

from tests.support.plays import ROOT, playbook


def test_an_old_core_is_refused_with_the_versions_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = ".".join(map(str, _needed.OLDEST))
    assert _sources.read_yaml(ROOT / "meta" / "runtime.yml")["requires_ansible"] == f">={oldest}.0"
    newer = (f"{oldest}.0rc1", f"{oldest}.3", "2.21.0b2", "3.0.0")
    assert [_needed.refused(version) for version in newer] == [None] * 4
    monkeypatch.setattr(_needed, "__version__", "2.17.14")
    with pytest.raises(AnsibleActionFail) as refused, _needed.needed():
        pass
    assert "ansible-core 2.17.14 is too old" in str(refused.value)
    assert f"{sys.executable} -m pip install 'ansible-core>={oldest}'" in str(refused.value)


def test_a_missing_collection_is_named_with_its_command(tmp_path: Path) -> None:
    namespace = tmp_path / "ansible_collections" / "o11y"
    namespace.mkdir(parents=True)
    (namespace / "opentelemetry").symlink_to(ROOT)
    done = playbook(
        "o11y.opentelemetry.site",
        "-i",
        "inventories/agent_gateway",
        ANSIBLE_COLLECTIONS_PATH=str(tmp_path),
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
    )
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, printed
    wanted = "the collection kubernetes.core is missing. Run: ansible-galaxy collection install kubernetes.core"
    assert wanted in printed


@pytest.mark.parametrize("missing", ["kubernetes", "urllib3"])
def test_a_missing_library_is_named_with_the_command_of_this_interpreter(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("kubernetes", missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(Problem) as refused:
        library("kubernetes")
    assert f"Python library ({missing})" in refused.value.wrong
    assert refused.value.fix == f"Run: {sys.executable} -m pip install {missing}"
