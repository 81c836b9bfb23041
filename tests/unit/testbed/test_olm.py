# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OLM's definitions are taken from its module, and what is missing is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import command, olm
from tests.testbed.errors import ClusterError


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    olm.definitions.cache_clear()
    yield
    olm.definitions.cache_clear()


def test_the_files_are_those_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "crds"
    folder.mkdir()
    for name in ("operators.coreos.com_subscriptions.yaml", "defs.go"):
        (folder / name).touch()
    monkeypatch.setattr(command, "run", lambda *_arguments, **_more: json.dumps({"Dir": str(tmp_path)}))
    monkeypatch.setattr(olm.shutil, "which", lambda _name: "/usr/bin/go")
    assert [file.name for file in olm.definitions()] == ["operators.coreos.com_subscriptions.yaml"]
    assert olm.lacks() is None


def test_without_go_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(olm.shutil, "which", lambda _name: None)
    reason = olm.lacks()
    assert reason is not None
    assert "no Go on PATH" in reason.why


def test_a_module_that_cannot_be_downloaded_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> str:
        raise ClusterError("`go mod download` failed", "no such host", "do")

    monkeypatch.setattr(command, "run", fail)
    monkeypatch.setattr(olm.shutil, "which", lambda _name: "/usr/bin/go")
    reason = olm.lacks()
    assert reason is not None
    assert (reason.why, "GOPROXY" in reason.do) == ("no such host", True)
