# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a collector: a few lines that say what is wrong, why, and what to do. Private.

The checks have made findings. Those about the same component become one line, from the symptom to the cause, such as:

    spans wait at otlp_grpc/jaeger: no route to it: Service obs/jaeger has no ready endpoints → Start its pods.

`finding_groups.py` puts findings together, and `collector_result.py` takes the verdict into the result of a diagnosis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from .._otelcol.traits import prints_records
from .diagnose_checks import BEFORE_RUNNING, CheckFinding, Facts
from .finding_groups import FindingGroup, group_by_subject

# Problems of a collector that have a line in its verdict.
_MOST_LINES = 3
# Texts in such a line: the symptom, and the causes that are nearest to the root.
_MOST_TEXTS = 3
# The status of a collector without an error or a warning: its data flows, or nobody can see whether it does.
_HEALTHY = "healthy"
_UNKNOWN = "unknown"
# The severities that make a collector unhealthy and get a line, the worst first. Findings of severity `info` get none.
_UNHEALTHY_SEVERITIES = ("error", "warning")
# What stands between names such as `otlp/jaeger` in a text.
_BETWEEN_NAMES = re.compile(r"[^\w/-]+")
# What a line calls a component, by its section.
_ROLE_WORDS = {"receivers": "receiver", "processors": "processor", "exporters": "exporter", "extensions": "extension"}


def judge_status(facts: Facts, findings: Sequence[CheckFinding]) -> str:
    """Return `error` or `warning` if a finding has it; else `healthy`, or `unknown` if no data on the flow is there."""
    severities = {finding.check.severity for finding in findings}
    for severity in _UNHEALTHY_SEVERITIES:
        if severity in severities:
            return severity
    return _UNKNOWN if facts.get("receives") is None else _HEALTHY


def write_verdict(facts: Facts, findings: Sequence[CheckFinding]) -> list[str]:
    """Return the lines on the most urgent problems, or the one line of a collector without problems.

    At most _MOST_LINES problems have a line. One more line says how many are left out.
    """
    reported_findings = [finding for finding in findings if finding.check.severity in _UNHEALTHY_SEVERITIES]
    # Why it does not run explains all later findings. If no check knows why, the later ones are better than nothing.
    if not facts.get("running"):
        early_findings = [finding for finding in reported_findings if finding.check.stage in BEFORE_RUNNING]
        reported_findings = early_findings or reported_findings
    lines = [_write_line(group) for group in group_by_subject(reported_findings)]
    if not lines:
        return [_write_line_without_problem(facts, findings)]
    more_lines = len(lines) - _MOST_LINES
    if more_lines > 0:
        return [*lines[:_MOST_LINES], f"and {more_lines} more, see the details"]
    return lines


# ── A problem ──


def _write_line(group: FindingGroup) -> str:
    """Return the line on a group: from the symptom to its cause, and the first fix, which is that of the cause."""
    text = ": ".join(group.list_texts(_MOST_TEXTS))
    fix_text = f" → {group.first_fix}" if group.first_fix else ""
    return f"{_name_subject(group.subject, text)}{text}{fix_text}"


def _name_subject(subject: str, text: str) -> str:
    """Return the beginning of a line, such as `exporter otlp: `; empty for no component, or if the text names it."""
    role, slash, name = subject.partition("/")
    names_in_text = _BETWEEN_NAMES.split(text)
    if not slash or name in names_in_text or subject in names_in_text:
        return ""
    return f"{_ROLE_WORDS.get(role, role)} {name}: "


# ── No problem ──


def _write_line_without_problem(facts: Facts, findings: Sequence[CheckFinding]) -> str:
    """Return the line of a collector that is healthy, or of which nobody can see whether it is."""
    config_notes = [finding for finding in findings if finding.check.stage == "config"]
    notes_text = _describe_notes(config_notes)
    if facts.get("receives") is None:
        return f"{_explain_unknown(facts)}{notes_text}"
    exporters = [str(row["id"]) for row in facts.get("exports") or ()]
    output_text = ""
    if exporters and all(prints_records(exporter) for exporter in exporters):
        output_text = "; its exporters only print to its own log"
    return f"healthy: {_describe_flow(facts)}{output_text}{notes_text}"


def _describe_notes(notes: Sequence[CheckFinding]) -> str:
    """Return the number of notes on a config as the end of a line, such as `; 2 notes on its config`."""
    if not notes:
        return ""
    return "; 1 note on its config" if len(notes) == 1 else f"; {len(notes)} notes on its config"


def _explain_unknown(facts: Facts) -> str:
    """Return why nobody can see whether data flows, or whether the collector runs."""
    reason_by_part = {str(row["what"]): str(row["why"]) for row in facts["unseen"]}
    if facts.get("running"):
        reason = _find_reason_of_unseen_flow(reason_by_part, f"pods in {facts.get('namespace')}")
        return f"runs, but whether data flows cannot be seen: {reason}"
    if reason_by_part:
        unseen_part, reason = next(iter(reason_by_part.items()))
        return f"unknown: cannot be seen: {unseen_part}: {reason}"
    return "unknown: no pod of it runs"


def _find_reason_of_unseen_flow(reason_by_part: Mapping[str, str], pods_part: str) -> str:
    """Return why the flow of data cannot be seen. `pods_part` is what the reasons call the pods of the collector."""
    # What shows whether data flows, from the metrics themselves to what is needed to find them.
    for unseen_part in ("own metrics", "config", pods_part):
        if unseen_part in reason_by_part:
            return reason_by_part[unseen_part]
    return "no own metrics"


def _describe_flow(facts: Facts) -> str:
    """Return the flow of each signal, such as `7 spans in, 6 out; 30 log records in, 30 out in 10 s`."""
    accepted_by_kind: Counter[str] = Counter()
    sent_by_kind: Counter[str] = Counter()
    for row in facts["receives"]:
        accepted_by_kind[str(row["items"])] += int(row["accepted"])
    for row in facts["exports"]:
        sent_by_kind[str(row["items"])] += int(row["sent"])
    counts = []
    for record_kind in dict.fromkeys([*accepted_by_kind, *sent_by_kind]):
        accepted, sent = accepted_by_kind[record_kind], sent_by_kind[record_kind]
        if accepted or sent:
            counts.append(f"{accepted} {record_kind} in, {sent} out")
    if not counts:
        return "no data was due in that time"
    seconds = facts["receives"][0]["seconds"] if facts["receives"] else 0
    return f"{'; '.join(counts)} in {seconds} s"
