# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python file that a docstring or comment names exists, so that a reader who follows the name finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .source import ROOT

FOLDERS = ("plugins", "tools", "otelcoltool")
# The name of a file without its folders, and not the end of a pattern such as `*_checks.py`.
FILE_NAME = re.compile(r"(?<![\w*….>-])_?[A-Za-z]\w*\.py\b")
# Files of other projects, by the file here that names them as a source.
FILES_OF_OTHERS = {
    "plugins/module_utils/_collector/gen_ai_attributes.py": {"tracing.py", "instrumented.py"},
    "plugins/module_utils/_kube/live/exec_plugin.py": {"kube_config.py"},
    "plugins/module_utils/_kube/live/hidden.py": {"secrets.py", "arg_spec.py"},
    "plugins/plugin_utils/_bytecode_cache.py": {"_collection_finder.py"},
    "plugins/plugin_utils/_own_lines.py": {"task_executor.py"},
    "tools/job_output.py": {"test_x.py"},
}


def list_python_files() -> list[Path]:
    """Return the files of the collection, its tools and its command line."""
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


FILES = list_python_files()
KNOWN_NAMES = {path.name for path in [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "molecule").rglob("*.py")]}


def find_unknown_names(text: str, allowed_names: set[str]) -> Iterator[str]:
    """Yield the names of files in a text that neither exist nor are allowed, with their lines."""
    for match in FILE_NAME.finditer(text):
        if match[0] not in KNOWN_NAMES | allowed_names:
            yield f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_code_names_exists(folder: str) -> None:
    wrong = []
    for path in FILES:
        name = str(path.relative_to(ROOT))
        if name.startswith(f"{folder}/"):
            wrong += [
                f"{name}, {line}" for line in find_unknown_names(path.read_text(), FILES_OF_OTHERS.get(name, set()))
            ]
    assert wrong == []


def test_a_name_that_is_gone_is_found() -> None:
    text = "# See source.py,\n# gone_file.py of plugin_utils, and each *_checks.py."
    assert list(find_unknown_names(text, set())) == ["line 2: gone_file.py"]


def test_every_file_of_others_is_named() -> None:
    for name, file_names in FILES_OF_OTHERS.items():
        assert file_names <= set(FILE_NAME.findall((ROOT / name).read_text())), name
