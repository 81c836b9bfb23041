# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client of kubernetes.core keeps of a connection is gone before the next one: a loop is one process."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api import connect

DATA = base64.b64encode(b"pem").decode()
USER = {"token": "token-of-a", "as": "a", "client-key-data": DATA, "client-certificate-data": DATA}
KUBECONFIG = {
    "current-context": "a",
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "clusters": [{"name": "a", "cluster": {"server": "https://a", "certificate-authority-data": DATA}}],
    "users": [{"name": "a", "user": USER}],
}


class Module(SimpleNamespace):
    def __init__(self, folder: Path, **params: Any) -> None:
        super().__init__(params=params, no_log_values=set(), tmpdir=str(folder), result={})

    def exit_json(self, **result: Any) -> None:
        self.result = result


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def pool(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the headers of a connection, and the files of its certificates."""
    transport: Any = connect.connect(module)._transport
    return transport._authorize(), transport._pool.connection_pool_kw


def test_a_connection_has_nothing_of_the_one_before(folder: Path) -> None:
    headers, files = pool(Module(folder, kubeconfig=KUBECONFIG))
    assert headers["authorization"] == "Bearer token-of-a"
    assert files["key_file"]
    headers, files = pool(Module(folder, host="https://b", username="b", password="of-b"))
    assert "authorization" not in headers
    assert not files.get("key_file")
    assert not files.get("ca_certs")


def test_keys_are_in_files_only_while_a_task_works(folder: Path) -> None:
    found: list[Path] = []

    def work() -> dict[str, Any]:
        found.append(Path(pool(module)[1]["key_file"]))
        return {"key": found[-1].read_text(encoding="utf-8")}

    for _item in range(2):  # the second one needs the files again
        module = Module(folder, kubeconfig=KUBECONFIG)
        connect.run(module, work)
        assert module.result["key"] == "pem"
        assert not found[-1].exists()
