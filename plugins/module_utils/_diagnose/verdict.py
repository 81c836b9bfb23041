# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a collector: a few lines that say what is wrong, why, and what to do. Private.

The checks have made findings, some of which are symptoms and others their causes. Findings about the same component
become one line, from the symptom to the cause, such as:

    spans wait at otlp_grpc/jaeger: no route to it: Service obs/jaeger has no ready endpoints → Start its pods.

A symptom has a higher `causal_rank` than its cause. The subject of a finding is the component that it is about, such as
`exporters/otlp_grpc/jaeger`; it is `in` for what clients reach, and empty for the collector as a whole.

The actions of collector_diagnose and host_diagnose call `build_result_row`; the one that looks at exporters right after
a rollout calls `list_undelivered`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .._otelcol.traits import prints_records
from .checks_connections import CONNECTION_CHECKS
from .checks_flow import FLOW_CHECKS
from .checks_start import START_CHECKS
from .checks_trust import TRUST_CHECKS
from .diagnose_checks import BEFORE_RUNNING, SEVERITIES, Check, CheckFinding, Facts
from .result_rows import CollectorResult, ProblemRow

COLLECTOR_CHECKS: tuple[Check, ...] = (*START_CHECKS, *TRUST_CHECKS, *CONNECTION_CHECKS, *FLOW_CHECKS)
# The checks of exporters that one reading right after a rollout can answer: whether a backend can be reached, whether
# sending fails, and what the log says. Others come too early: queues and batches fill first, and nobody may have sent
# data yet. `fails` stands for all checks whose ids begin so, such as `fails_since_start`.
_EXPORTER_CHECK_PREFIXES = ("peer_no_", "peer_blocked", "peer_kept_out", "fails", "log_error")
EXPORTER_CHECKS = tuple(check for check in COLLECTOR_CHECKS if check.id.startswith(_EXPORTER_CHECK_PREFIXES))
# Problems of a collector that have a line in its verdict.
MOST_LINES = 3
# Texts in such a line: the symptom, and the causes that are nearest to the root.
MOST_TEXTS = 3
# The status of a collector without an error or a warning: its data flows, or nobody can see whether it does.
HEALTHY = "healthy"
UNKNOWN = "unknown"
# The severities that make a collector unhealthy and get a line, the worst first. Findings of severity `info` get none.
_UNHEALTHY_SEVERITIES = ("error", "warning")
# What a line calls a component, by its section.
_ROLE_WORDS = {"receivers": "receiver", "processors": "processor", "exporters": "exporter", "extensions": "extension"}


def build_result_row(facts: Facts, findings: Sequence[CheckFinding]) -> CollectorResult:
    """Return the result for a collector: the facts that users see, its verdict, and the findings of the checks."""
    return {
        "name": facts["name"],
        "namespace": facts["namespace"],
        "kind": facts["kind"],
        "mode": facts.get("mode"),
        "image": facts.get("image"),
        "pods": facts.get("pods"),
        "ready_text": facts.get("ready_text"),
        "seconds": facts.get("seconds"),
        "receives": facts.get("receives"),
        "processes": facts.get("processes"),
        "exports": facts.get("exports"),
        "services": facts.get("services"),
        "peers": facts.get("peers"),
        "listeners": facts.get("listeners"),
        "certificates": facts.get("certificates"),
        "rights": facts.get("rights"),
        "unseen": facts.get("unseen"),
        "target_allocator": facts.get("target_allocator"),
        "autoscalers": facts.get("autoscalers"),
        "memory": facts.get("memory"),
        "events": facts.get("events"),
        "seen": not facts.get("hidden"),
        "wave": facts.get("wave") or {},
        "status": judge_status(facts, findings),
        "verdict": write_verdict(facts, findings),
        "problems": [_build_problem_row(finding) for finding in findings],
    }


def _build_problem_row(finding: CheckFinding) -> ProblemRow:
    """Return a finding of a check as a row of the result."""
    return {
        "id": finding.check.id,
        "stage": finding.check.stage,
        "severity": finding.check.severity,
        "about": finding.subject,
        "message": finding.message,
        "fix": finding.fix,
    }


def judge_status(facts: Facts, findings: Sequence[CheckFinding]) -> str:
    """Return `error` or `warning` if a finding has it; else `healthy`, or `unknown` if no data on the flow is there."""
    severities = {finding.check.severity for finding in findings}
    for severity in _UNHEALTHY_SEVERITIES:
        if severity in severities:
            return severity
    return UNKNOWN if facts.get("receives") is None else HEALTHY


def write_verdict(facts: Facts, findings: Sequence[CheckFinding]) -> list[str]:
    """Return the lines on the most urgent problems, or the one line of a collector without problems.

    At most MOST_LINES problems have a line. One more line says how many are left out.
    """
    reported_findings = [finding for finding in findings if finding.check.severity in _UNHEALTHY_SEVERITIES]
    # Why it does not run explains all later findings. If no check knows why, the later ones are better than nothing.
    if not facts.get("running"):
        early_findings = [finding for finding in reported_findings if finding.check.stage in BEFORE_RUNNING]
        reported_findings = early_findings or reported_findings
    lines = [_write_line(group) for group in _group_by_subject(reported_findings)]
    if not lines:
        return [_write_line_without_problem(facts, findings)]
    more_lines = len(lines) - MOST_LINES
    if more_lines > 0:
        return [*lines[:MOST_LINES], f"and {more_lines} more, see the details"]
    return lines


def list_undelivered(facts: Facts, findings: Iterable[CheckFinding]) -> list[str]:
    """Return a line for each exporter of a collector about which the checks have findings: it does not deliver."""
    collector = f"{facts['namespace']}/{facts['name']}"
    findings_of_exporters = [finding for finding in findings if finding.subject.startswith("exporters/")]
    lines = []
    for group in _group_by_subject(findings_of_exporters):
        exporter_path = group[0].subject
        exporter = exporter_path.partition("/")[2]
        destination = _describe_destination(facts, exporter_path)
        # That nothing flows is the symptom. The line says already that the exporter does not deliver, so a cause
        # replaces the symptom.
        causes = [finding for finding in group if finding.check.stage != "flow"]
        reported_findings = causes or group[:1]
        reason = ": ".join(_list_symptom_to_cause(reported_findings))
        lines.append(f"{collector}: exporter {exporter} does not deliver{destination}: {reason}")
    return lines


def _describe_destination(facts: Facts, exporter_path: str) -> str:
    """Return ` to ENDPOINT, ENDPOINT` for the addresses of an exporter such as `exporters/otlp`; empty without any."""
    endpoints: dict[str, None] = {}
    for peer in facts.get("peers") or ():
        if peer["about"] == exporter_path:
            endpoints[str(peer["endpoint"])] = None
    return f" to {', '.join(endpoints)}" if endpoints else ""


def _list_symptom_to_cause(group: Sequence[CheckFinding], most_texts: int = 0) -> list[str]:
    """Return the texts of a group from symptom to cause, each once and without its full stop.

    At most `most_texts` texts, see `_shorten_texts`; 0 stands for all.
    """
    ranked_findings = sorted(
        _merge_by_check(group), key=lambda merged_finding: merged_finding.causal_rank, reverse=True
    )
    finding_texts = [merged_finding.text for merged_finding in ranked_findings]
    if most_texts:
        finding_texts = _shorten_texts(finding_texts, most_texts)
    return list(dict.fromkeys(text.rstrip(".") for text in finding_texts))


def _shorten_texts(finding_texts: list[str], most_texts: int) -> list[str]:
    """Return at most `most_texts` texts, which is 1 or more: the first one, the symptom, and the last ones, the causes.

    With `most_texts` 3, [symptom, sign, other sign, cause, root] becomes [symptom, cause, root].
    """
    if len(finding_texts) <= most_texts:
        return finding_texts
    first_cause = len(finding_texts) - (most_texts - 1)
    return [finding_texts[0], *finding_texts[first_cause:]]


def _group_by_subject(findings: Iterable[CheckFinding]) -> list[list[CheckFinding]]:
    """Return the findings in groups about the same component or end.

    The most urgent group comes first: errors before warnings, and among equal severities what is nearest to a cause.
    """
    groups: dict[str, list[CheckFinding]] = {}
    for finding in findings:
        # Findings about the collector as a whole need not be about the same fault, so each check has a group.
        groups.setdefault(finding.subject or finding.check.id, []).append(finding)

    def rank_urgency(group: Sequence[CheckFinding]) -> tuple[int, int]:
        worst_severity = min(SEVERITIES.index(finding.check.severity) for finding in group)
        return worst_severity, min(finding.causal_rank for finding in group)

    return sorted(groups.values(), key=rank_urgency)


def _write_line(group: Sequence[CheckFinding]) -> str:
    """Return the line on a group: from the symptom to its cause, and the first fix, which is that of the cause."""
    text = ": ".join(_list_symptom_to_cause(group, MOST_TEXTS))
    line = f"{_name_subject(group[0].subject, text)}{text}"
    for finding in group:  # the causes come first, as `run_checks` sorts them
        if finding.fix:
            return f"{line} → {finding.fix}"
    return line


class _MergedFinding(NamedTuple):
    """What one check found about a component, in one text; causes have lower ranks than symptoms."""

    causal_rank: int
    text: str


def _merge_by_check(group: Sequence[CheckFinding]) -> list[_MergedFinding]:
    """Return one text for each check: its first message, and in short its findings with other messages."""
    findings_by_check: dict[str, list[CheckFinding]] = {}
    for finding in group:
        findings_by_check.setdefault(finding.check.id, []).append(finding)
    merged_findings = []
    for first_finding, *other_findings in findings_by_check.values():
        differing_findings = [finding for finding in other_findings if finding.message != first_finding.message]
        text = f"{first_finding.message}{_describe_others(differing_findings)}"
        merged_findings.append(_MergedFinding(first_finding.causal_rank, text))
    return merged_findings


def _describe_others(differing_findings: Sequence[CheckFinding]) -> str:
    """Return further findings of a check as the end of a text, such as `; the same for spans`; empty without any."""
    if not differing_findings:
        return ""
    item_nouns = []
    for finding in differing_findings:
        if finding.found_fields.get("items"):
            item_nouns.append(str(finding.found_fields["items"]))
    if item_nouns:
        return f"; the same for {', '.join(item_nouns)}"
    return f" (and {len(differing_findings)} more like it)"


def _name_subject(subject: str, text: str) -> str:
    """Return the beginning of a line, such as `exporter otlp: `; empty for no component, or if the text names it."""
    role, slash, name = subject.partition("/")
    if not slash or name in text:
        return ""
    return f"{_ROLE_WORDS.get(role, role)} {name}: "


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
    return f"healthy: {describe_flow(facts)}{output_text}{notes_text}"


def _describe_notes(notes: Sequence[CheckFinding]) -> str:
    """Return the number of notes on a config as the end of a line, such as `; 2 notes on its config`."""
    if not notes:
        return ""
    return "; 1 note on its config" if len(notes) == 1 else f"; {len(notes)} notes on its config"


def _explain_unknown(facts: Facts) -> str:
    """Return why nobody can see whether data flows, or whether the collector runs."""
    reason_by_part = {str(row["what"]): str(row["why"]) for row in facts["unseen"]}
    if facts.get("running"):
        # What shows whether data flows, from the metrics themselves to what is needed to find them.
        for unseen_part in ("own metrics", "config", f"pods in {facts.get('namespace')}"):
            if unseen_part in reason_by_part:
                return f"runs, but whether data flows cannot be seen: {reason_by_part[unseen_part]}"
        return "runs, but whether data flows cannot be seen: no own metrics"
    for unseen_part, reason in reason_by_part.items():
        return f"unknown: cannot be seen: {unseen_part}: {reason}"
    return "unknown: no pod of it runs"


def describe_flow(facts: Facts) -> str:
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
