# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a migrated config that the target build still rejects, which a person has to change. Private.

They are what rules find. For example, no step of the migration moves `verbose: true` of exporter `debug/b`, which is no
setting of its type, so ::

    Unsolved(("exporters", "debug/b", "verbose"), "'verbose' is not a setting here; …", …)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...module_utils._otelcol.config.paths import Path, format_path
from ...module_utils._otelcol.errors import clean_text
from ...module_utils._otelcol.migrate.data_edits import Unsolved
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.rules import RULES
from ...module_utils._otelcol.rules.subject import Subject

_GATE_RULE = "feature-gate"  # a warning, because a gate may be set where the Collector is started
_REJECTING_RULES = tuple(rule for rule in RULES if rule.shared or rule.id == _GATE_RULE)


def find_still_rejected(config: Any, target: TargetBuild, reported_paths: Sequence[Path]) -> Iterator[Unsolved]:
    """Yield each setting that the target still rejects, unless it is at or below one of the reported paths."""
    subject = Subject(config, target=target, listeners=target.catalogue.listeners)
    for rule in _REJECTING_RULES:
        for fault in sorted(rule.check(subject), key=lambda fault: format_path(fault.path)):
            is_error = rule.id == _GATE_RULE or (fault.severity or rule.severity) == "error"
            if is_error and not _is_inside(fault.path, reported_paths):
                fix = clean_text(fault.fix) or f"{target.version} rejects it."
                yield Unsolved(fault.path, clean_text(fault.message), fix)


def _is_inside(path: Path, outer_paths: Sequence[Path]) -> bool:
    """Whether a path is one of others, or leads below one."""
    return any(outer_path == path[: len(outer_path)] for outer_path in outer_paths if outer_path)
