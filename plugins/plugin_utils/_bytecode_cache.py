# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cache the bytecode of this collection between runs, as Python does with all other modules. Private.

Ansible imports collections with a loader of its own (`_AnsibleCollectionPkgLoaderBase.get_code` in
ansible/utils/collection_loader/_collection_finder.py), which compiles each file in each run: for this collection, a
fifth of the CPU of a run that changes nothing. So its files are imported with Python's own loader. That one caches
bytecode in `__pycache__`, as long as the size and time of the file stay the same, and compiles where it cannot write.
PYTHONPYCACHEPREFIX and PYTHONDONTWRITEBYTECODE mean what they mean for all of Python.

`plugin_utils/__init__.py` calls `cache_bytecode` once, before it imports other files. It adds a finder to
`sys.meta_path`, the list of objects that Python asks where a module is: the first one that knows it wins. For example,
for `ansible_collections.o11y.opentelemetry.plugins.action.otel_render` the finder answers with the file
plugins/action/otel_render.py and Python's loader. Of a folder it says nothing, so Python asks Ansible's finder.

A release of ansible-core may change its loader. `O11Y_KEPT_CODE=false` in the environment of Ansible then leaves all
files to it (docs/many_clusters.md). If Ansible's finder has another class name, nothing is cached, and all still works.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from ansible.module_utils.parsing.convert_bool import boolean

from ._otelcol._garbage import without_garbage_collection

_PLUGINS_FOLDER = Path(__file__).parents[1]
_ANSIBLE_FINDER = "_AnsibleCollectionFinder"
SWITCH_VARIABLE = "O11Y_KEPT_CODE"


def cache_bytecode(package_spec: ModuleSpec | None) -> None:
    """Let Python's own loader import all files beside this package and below.

    `package_spec` is the `__spec__` of package plugin_utils; None in a program that has no such thing. The finder is
    put just before that of Ansible. Finders before both, such as one of `ansible-test sanity`, stay first. Nothing is
    changed if Python itself has imported the package, as in tests: then it caches the bytecode anyway.
    """
    if package_spec is None or not is_enabled():
        return
    is_imported_by_python = isinstance(package_spec.loader, SourceFileLoader)
    finder_names = [type(finder).__name__ for finder in sys.meta_path]
    if is_imported_by_python or _ANSIBLE_FINDER not in finder_names:
        return
    plugins_package = package_spec.name.rpartition(".")[0]
    sys.meta_path.insert(finder_names.index(_ANSIBLE_FINDER), BytecodeFinder(plugins_package))


def is_enabled() -> bool:
    """Whether Python's own loader may import the collection; only a false value in the environment turns it off."""
    return bool(boolean(os.environ.get(SWITCH_VARIABLE) or "true", strict=False))


class BytecodeFinder(MetaPathFinder):
    """Finds the files of the collection below one package. Folders and all else stay with Ansible."""

    def __init__(self, package: str) -> None:
        self._prefix = f"{package}."

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface of Python
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return how Python imports a file of this collection; None for anything else, so that Ansible imports it."""
        if not fullname.startswith(self._prefix):
            return None
        relative_parts = fullname.removeprefix(self._prefix).split(".")
        source_file = _PLUGINS_FOLDER.joinpath(*relative_parts).with_suffix(".py")
        if not source_file.is_file():
            return None
        return spec_from_file_location(fullname, source_file, loader=_UnpausedLoader(fullname, str(source_file)))


class _UnpausedLoader(SourceFileLoader):
    """Imports a file, and all that the file imports, without a pause for garbage: they stay until the end."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the code of a module."""
        with without_garbage_collection():
            super().exec_module(module)
