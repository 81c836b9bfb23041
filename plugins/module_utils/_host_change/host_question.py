# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about one collector of a host when nothing is changed: its files, its peers, and test data. Private.

The controller reads the config, which names them; the host has neither YAML nor the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .bundle_form import BUNDLE_OPTIONS

SIGNALS = ("traces", "metrics", "logs")
_LIST_OF_TEXTS = {"type": "list", "elements": "str", "default": []}
_LIST_OF_ROWS = {"type": "list", "elements": "dict", "default": []}
# The options of one question, as Ansible's argument specs have them.
QUESTION_OPTIONS: dict[str, Any] = {
    "name": {"required": True},
    "files": {**_LIST_OF_ROWS, "options": {"about": {"required": True}, "pattern": {"required": True}}},
    "certificates": {**_LIST_OF_ROWS, "options": {"about": {"required": True}, "path": {"required": True}}},
    "peers": {
        **_LIST_OF_ROWS,
        "options": {"about": {"required": True}, "host": {"required": True}, "port": {"type": "int"}},
    },
    "journals": _LIST_OF_TEXTS,
    "url": {"default": ""},
    "signals": {**_LIST_OF_TEXTS, "choices": list(SIGNALS)},
    "timeout_seconds": {"type": "float", "default": 30},
    "failed_spans": {"type": "bool", "default": False},
}
_ROWS = {"type": "list", "elements": "dict"}
ARGUMENTS: dict[str, Any] = {
    "bundles": {**_ROWS, "required": True, "options": BUNDLE_OPTIONS},
    "questions": {**_ROWS, "default": [], "options": QUESTION_OPTIONS},
    "send": {"type": "bool", "default": False},
    "window_seconds": {"type": "float", "default": 10},
    "log_seconds": {"type": "int", "default": 600},
    "log_lines": {"type": "int", "default": 1000},
}


@dataclass(frozen=True)
class HostLook:
    """What one collector is asked: the question of its config, and for how long to look."""

    question: Mapping[str, Any]
    sends_test_data: bool
    log_seconds: int
    log_line_count: int
