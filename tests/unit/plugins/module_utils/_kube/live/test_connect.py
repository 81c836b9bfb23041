# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client of kubernetes.core keeps of a connection is gone before the next one: a loop is one process."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect, task_end
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

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
        task_end.run(module, work)
        assert module.result["key"] == "pem"
        assert not found[-1].exists()


def without(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the import of a library fail, as if it were not installed."""
    for name in ("urllib3.contrib.socks", library):
        monkeypatch.delitem(sys.modules, name, raising=False)

    class Missing:
        def find_spec(self, name: str, *_args: Any) -> None:
            if name == library:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])


@pytest.mark.filterwarnings("ignore:SOCKS support in urllib3")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_needs_a_library_that_is_named(
    folder: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without("socks", monkeypatch)
    clusters = [{"name": "a", "cluster": {"server": "https://a", "proxy-url": f"{scheme}://127.0.0.1:1080"}}]
    with pytest.raises(Problem) as raised:
        connect.connect(Module(folder, kubeconfig={**KUBECONFIG, "clusters": clusters}))
    assert "Failed to import the required Python library (PySocks)" in raised.value.wrong
    assert raised.value.fix == f"Run: {sys.executable} -m pip install PySocks"


def test_a_kubeconfig_that_is_nowhere_is_named_by_its_whole_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("K8S_AUTH_KUBECONFIG", "K8S_AUTH_HOST", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)

    def where(**params: Any) -> str:
        with pytest.raises(Problem, match="there is no usable kubeconfig") as raised:
            connect.connect(Module(folder, **params))
        return raised.value.where

    assert where(kubeconfig="rel") == f"{folder}/rel"
    assert where(kubeconfig="~/rel") == f"{Path.home()}/rel"
    monkeypatch.setenv("KUBECONFIG", "one:/two")
    assert where() == f"{folder}/one:/two"
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(folder))
    assert where() == f"{folder}/.kube/config"


@pytest.mark.parametrize("token", ["hunter2hunter2", "eyJhbGciOi" * 40])
@pytest.mark.parametrize("form", ["users: [{{name: a, user: {{token: {}}}}}]", "users:\n- user:\n    token: {}\n"])
def test_the_content_of_a_kubeconfig_in_place_of_its_path_is_not_shown(folder: Path, form: str, token: str) -> None:
    with pytest.raises(Problem, match="kubeconfig") as raised:
        connect.connect(Module(folder, kubeconfig=form.format(token)))
    assert token not in str(raised.value)
    assert raised.value.where == "kubeconfig"
