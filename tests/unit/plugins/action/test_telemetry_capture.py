# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gets: the collectors that are asked for, and paths as seen from where Ansible was started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.action.telemetry_capture import prepare_arguments
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

GATEWAY = {"namespace": "obs", "name": "gateway"}


@pytest.mark.parametrize("files", [["a.jsonl", "b.jsonl"], "a.jsonl,b.jsonl"])
def test_each_file_is_seen_from_where_ansible_was_started(files: Any) -> None:
    prepared = prepare_arguments({"files": files, "path": "captures"})
    assert prepared["files"] == [str(Path("a.jsonl").absolute()), str(Path("b.jsonl").absolute())]
    assert prepared["path"] == str(Path("captures").absolute())


def test_options_without_a_value_are_left_to_the_module() -> None:
    prepared = prepare_arguments({"collectors": [GATEWAY], "files": None, "path": None})
    assert (prepared["collectors"], prepared["files"], "path" in prepared) == ([GATEWAY], [], False)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"collectors": ["gateway"], "only": ["gateway"]}, r"'collectors\[0\]' of module telemetry_capture must be a"),
        ({"collectors": "gateway", "only": ["gateway"]}, r"'collectors\[0\]' of module telemetry_capture must be a"),
        ({"only": {"gateway": 1}}, r"'only' of module telemetry_capture must be a list, not a mapping"),
        ({"path": ["captures"]}, r"'path' of module telemetry_capture must be text, not a list"),
        ({"files": [{"a": 1}]}, r"'files\[0\]' of module telemetry_capture must be text, not a mapping"),
        ({"collectors": [GATEWAY], "only": ["agent"]}, r"Capture telemetry: there is no collector 'agent'"),
    ],
)
def test_a_value_of_a_wrong_shape_is_refused(arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(Problem, match=fault):
        prepare_arguments(arguments)


def test_numbers_are_names_of_files() -> None:
    assert prepare_arguments({"files": [5], "path": 6})["path"] == str(Path("6").absolute())
