# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differing values of `root_path`: all receivers host_metrics of a Collector must have the same one. Private.

For example, the second receiver of this config is refused:

    receivers: {host_metrics/a: {root_path: /hostfs}, host_metrics/b: {root_path: /host}}
"""

from __future__ import annotations

from typing import Any

from ..config.paths import mapping_at
from .build_facts import Build, build_of
from .configured_components import ConfiguredComponent, configured_components
from .constraints import CONFLICTING_SETTINGS, RuleFault, RuleFaults
from .given_values import EXPANSION_START
from .row_certainty import ROW_WITHOUT_LIMITS, explain_doubt, hedge_fault
from .rule_definitions import Fault
from .subject import Subject

_HOST_METRICS = "host_metrics"


def find_differing_root_paths(subject: Subject) -> RuleFaults:
    """Yield each root_path that differs from the first one."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    first_root = ""
    for component in configured_components(subject):
        root_path = _read_root_path(component, build)
        if not root_path:
            continue
        first_root = first_root or root_path
        if root_path != first_root:
            message = f"all receivers of a Collector share one root_path, and it is '{first_root}' in another one"
            fault = Fault((*component.config_path, "root_path"), message, f"Write `{first_root}`.")
            doubt = explain_doubt(ROW_WITHOUT_LIMITS, build, component.section, component.id)
            yield RuleFault(CONFLICTING_SETTINGS, hedge_fault(fault, doubt))


def _read_root_path(component: ConfiguredComponent, build: Build) -> str:
    """Return the root_path of a receiver host_metrics; empty if it is the usual one, unknown, or not given."""
    known_type = build.find_component(component.section, component.type)
    if known_type is None or known_type.type != _HOST_METRICS:
        return ""
    root_path: Any = mapping_at(component.settings).get("root_path")
    if not isinstance(root_path, str) or root_path == "/" or EXPANSION_START in root_path:
        return ""
    return root_path
