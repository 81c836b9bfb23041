# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service may read is looked at by its rights; a file that the look itself cannot read ends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.file_rights import Reader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live import file_facts

from ..test_certificate_ends import SHORT

ROOT = Reader(0, ())
NOBODY = Reader(65534, ())


def pattern(tmp_path: Path, reader: Reader) -> dict[str, Any]:
    row = {"about": "receivers/file_log", "pattern": f"{tmp_path}/*.log"}
    (facts,) = file_facts.describe_patterns([row], reader)
    return facts


def certificate(path: Path, reader: Reader = ROOT) -> dict[str, Any]:
    (facts,) = file_facts.describe_certificates([{"about": "receivers/otlp", "path": str(path)}], reader)
    return facts


def test_all_files_of_a_pattern_count_and_no_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_facts, "_MOST_FILES", 2)
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.log").write_text("")
    (tmp_path / "0.log").mkdir()
    assert pattern(tmp_path, ROOT)["count"] == 4


def test_some_of_the_files_that_a_service_may_not_read_are_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.log").write_text("")
    tmp_path.chmod(0o700)
    facts = pattern(tmp_path, NOBODY)
    assert [row["file"] for row in facts["unreadable"]] == [f"{tmp_path}/{name}.log" for name in ("a", "b", "c")]
    assert facts["more"] == 1
    assert {"what": "folder", "owner": "root"}.items() <= facts["unreadable"][0].items()


def test_a_certificate_has_its_dates_or_its_state(tmp_path: Path) -> None:
    path = tmp_path / "tls.crt"
    assert certificate(path)["state"] == "missing"
    path.write_bytes(SHORT)
    facts = certificate(path)
    assert (facts["state"], facts["file"]) == ("there", str(path))
    assert facts["not_before"] < facts["not_after"]
    tmp_path.chmod(0o700)
    closed = certificate(path, NOBODY)
    assert (closed["state"], closed["what"], closed["file"]) == ("unreadable", "folder", str(path))


def test_a_certificate_that_this_run_cannot_read_has_no_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tls.crt"
    path.write_bytes(SHORT)
    open_any = Path.open

    def refuse(opened: Path, *arguments: Any, **keywords: Any) -> Any:
        if opened == path:
            raise PermissionError(13, "Permission denied")
        return open_any(opened, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", refuse)
    facts = certificate(path)
    assert (facts["state"], facts["file"]) == ("not_read", str(path))
    assert "not_after" not in facts
