# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.

The rules are in `RULES` at the end, those of `_REASONS_BY_RULE` by their ids, others by their functions: see
rule_definitions.py. For example, of `exporters: {syslog: {port: 0}}`:

    exporters.syslog.port: error [out-of-range] 'port' is between 1 and 65535, not 0. Write a number between 1 and
    65535.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import mapping_at
from .build_facts import build_of
from .constraints import (
    CONFLICTING_SETTINGS,
    FEATURE_GATE,
    IGNORED_SETTING,
    INVALID_REGEX,
    OUT_OF_RANGE,
    UNKNOWN_OPERATOR,
    RuleFaults,
)
from .host_root_paths import find_differing_root_paths
from .row_certainty import ROW_WITHOUT_LIMITS, is_exact_for
from .rule_definitions import Fault, define_rules, define_shared_rules
from .subject import Subject, once_per_subject
from .violated_constraints import find_violated_constraints

# The ids of rules that only a key `rule` of a row names.
_SAMPLING_POLICY = "sampling-policy"
_REFUSED_AT_START = "refused-at-start"
# The feature gates without which the Collector starts no pipeline of a signal.
_GATE_BY_SIGNAL = {"profiles": "service.profilesSupport"}


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _SAMPLING_POLICY)


def refused_at_start(subject: Subject) -> Iterator[Fault]:
    """Yield settings with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _REFUSED_AT_START)


def feature_gate(subject: Subject) -> Iterator[Fault]:
    """Yield settings and pipelines without whose feature gate the Collector does not start."""
    yield from find_setting_faults(subject, FEATURE_GATE)
    yield from _find_gated_pipelines(subject)


def _find_gated_pipelines(subject: Subject) -> Iterator[Fault]:
    """Yield the pipelines of signals that need a feature gate, if that is certain for the build."""
    if subject.target is None or not is_exact_for(ROW_WITHOUT_LIMITS, build_of(subject.target).version):
        return
    for key in mapping_at(subject.config, "service", "pipelines"):
        signal = str(key).partition("/")[0]
        gate = _GATE_BY_SIGNAL.get(signal)
        if gate:
            message = f"pipelines of {signal} need the feature gate {gate}"
            yield Fault(("service", "pipelines", key), message, f"Start the Collector with `--feature-gates={gate}`.")


def ignored_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that the Collector ignores beside another one, such as `udp` beside `tcp` of syslog."""
    yield from find_setting_faults(subject, IGNORED_SETTING)


def find_setting_faults(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults in settings that a rule reports."""
    for rule, fault in _find_faults_of_all_rules(subject):
        if rule == rule_id:
            yield fault


@once_per_subject
def _find_faults_of_all_rules(subject: Subject) -> RuleFaults:
    """Yield the faults in settings, each with the id of its rule."""
    yield from find_differing_root_paths(subject)
    yield from find_violated_constraints(subject)


# The reasons of rules that have no function here, by their ids, worded as the docstrings of functions are.
_REASONS_BY_RULE = {
    OUT_OF_RANGE: (
        "Yield numbers and durations that a component does not accept, and limits that contradict each other."
    ),
    CONFLICTING_SETTINGS: "Yield settings that exclude each other, or that are given twice or only in part.",
    INVALID_REGEX: "Yield regular expressions that Go does not accept, or that lack the named groups that they need.",
    UNKNOWN_OPERATOR: "Yield outputs of log operators that are the id of no operator.",
}
RULES = (
    *define_shared_rules(find_setting_faults, _REASONS_BY_RULE),
    *define_rules("error", sampling_policy, refused_at_start),
    *define_rules("warning", feature_gate, ignored_setting),
)
