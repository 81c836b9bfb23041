# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the collection are found for Python's own loader; folders and other packages are left to Ansible."""

from __future__ import annotations

import gc
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins import plugin_utils
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _bytecode_cache

PLUGINS = "ansible_collections.o11y.opentelemetry.plugins"


@pytest.mark.parametrize("name", ["action.otel_render", "plugin_utils._otelcol._yaml", "module_utils._kube.ownership"])
def test_a_file_has_the_loader_that_keeps_code(name: str) -> None:
    spec = _bytecode_cache.BytecodeFinder(PLUGINS).find_spec(f"{PLUGINS}.{name}", None)
    assert spec is not None
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.cached, "Python keeps its code"
    assert str(spec.origin).endswith(f"/plugins/{name.replace('.', '/')}.py")


@pytest.mark.parametrize(
    "name",
    [
        f"{PLUGINS}.module_utils._kube",
        f"{PLUGINS}.module_utils._kube.there_is_no_such_file",
        f"{PLUGINS}_of_others.action.otel_render",
        "ansible_collections.kubernetes.core.plugins.action.otel_render",
        PLUGINS,
    ],
)
def test_folders_and_other_collections_are_left_to_ansible(name: str) -> None:
    assert _bytecode_cache.BytecodeFinder(PLUGINS).find_spec(name, None) is None


def test_only_an_import_by_ansible_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    finders = [object(), type("_AnsibleCollectionFinder", (), {})(), object()]
    by_ansible = ModuleSpec(f"{PLUGINS}.plugin_utils", object())  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "meta_path", [finders[0]])
    _bytecode_cache.cache_bytecode(by_ansible)
    assert sys.meta_path == [finders[0]], "Ansible finds nothing here"
    monkeypatch.setattr(sys, "meta_path", [*finders])
    _bytecode_cache.cache_bytecode(plugin_utils.__spec__)
    _bytecode_cache.cache_bytecode(None)
    assert sys.meta_path == finders, "Python has imported the tests"
    _bytecode_cache.cache_bytecode(by_ansible)
    first, kept, *rest = sys.meta_path
    assert [first, *rest] == finders, "ansible-test sanity refuses changes of the first finder"
    assert isinstance(kept, _bytecode_cache.BytecodeFinder)


def test_an_import_is_not_interrupted_to_look_for_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("done = True\n", encoding="utf-8")
    monkeypatch.setattr(_bytecode_cache, "_PLUGINS_FOLDER", tmp_path)
    spec = _bytecode_cache.BytecodeFinder("others").find_spec("others.one", None)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setattr(gc, "isenabled", lambda: True)  # the tests run without
    switched: list[str] = []
    monkeypatch.setattr(gc, "disable", lambda: switched.append("off"))
    monkeypatch.setattr(gc, "enable", lambda: switched.append("on"))
    spec.loader.exec_module(module)
    assert switched == ["off", "on"]
    assert module.done
