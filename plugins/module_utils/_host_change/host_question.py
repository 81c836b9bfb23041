# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module host_diagnose, which reads facts of the collectors of a host and changes nothing. Private.

The host cannot read the config of a collector itself: it has neither YAML nor the catalogue, which is what is known
about the components of each version. So the controller reads the config, and sends a question with it: which files,
certificates and peers the config names, and where test data goes. For example:

    {"name": "agent", "files": [{"about": "receivers/file_log", "pattern": "/var/log/*.log"}],
     "peers": [{"about": "exporters/otlp", "host": "backend", "port": 4317}], "url": "http://127.0.0.1:4318", …}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from .bundle_form import BUNDLE_OPTIONS

# The signals of test data. They are OTLP_SIGNALS of the library, whose file does not run with a host's Python 3.8.
SIGNALS = ("traces", "metrics", "logs")
_LIST_OF_TEXTS = {"type": "list", "elements": "str", "default": []}
_LIST_OF_ROWS = {"type": "list", "elements": "dict", "default": []}
# The options of a `HostQuestion`, as Ansible's argument specs have them.
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
# The options of module host_diagnose, which documents them.
ARGUMENTS: dict[str, Any] = {
    "bundles": {**_ROWS, "required": True, "options": BUNDLE_OPTIONS},
    "questions": {**_ROWS, "default": [], "options": QUESTION_OPTIONS},
    "send": {"type": "bool", "default": False},
    "window_seconds": {"type": "float", "default": 10},
    "log_seconds": {"type": "int", "default": 600},
    "log_lines": {"type": "int", "default": 1000},
}


class FilePattern(TypedDict):
    """A pattern of files that a component reads, such as `/var/log/*.log`; `about` is the component."""

    about: str
    pattern: str


class CertificateFile(TypedDict):
    """The path of a certificate or key that a component reads; `about` is the component."""

    about: str
    path: str


class HostPeer(TypedDict):
    """A server to which a component connects; `about` is the component."""

    about: str
    host: str
    port: int


class HostQuestion(TypedDict, total=False):
    """What the config of one collector names. A collector without a readable config has an empty question."""

    name: str
    """The name of the collector."""
    files: list[FilePattern]
    certificates: list[CertificateFile]
    peers: list[HostPeer]
    journals: list[str]
    """The receivers that read the journal of the host."""
    url: str
    """The URL of its OTLP receiver for test data; empty if it has none."""
    signals: list[str]
    """The signals of the test data."""
    timeout_seconds: float
    """How long the test data may take to arrive."""
    failed_spans: bool
    """Whether the test data has a span with an error, which tail samplers keep."""


@dataclass(frozen=True)
class DiagnosisOptions:
    """What the task asks of one collector."""

    question: HostQuestion
    sends_test_data: bool
    log_seconds: int
    """From how many seconds ago on the journal is read."""
    log_line_count: int
    """How many of the last lines of the journal are read."""
