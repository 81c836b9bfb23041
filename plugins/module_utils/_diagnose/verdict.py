# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what checks found to a few lines that say why: symptoms with their causes, and what to do. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.traits import prints_records
from .checks_flow import FLOWING, WAYS
from .checks_start import BEGINNING
from .checks_trust import TRUST
from .diagnose_checks import BEFORE_RUNNING, SEVERITIES, Check, CheckFinding, Facts

CHECKS: tuple[Check, ...] = (*BEGINNING, *TRUST, *WAYS, *FLOWING)
# The checks of exporters that one reading right after a rollout can answer: whether the way to a backend is open,
# whether sending fails, and what the log says. Others come too early: queues and batches fill first, no data is due.
_BEGINNINGS_OF_IDS = ("peer_no_", "peer_blocked", "peer_kept_out", "fails")
EXPORTER_CHECKS = tuple(check for check in CHECKS if check.id.startswith(_BEGINNINGS_OF_IDS))
EXPORTER_CHECKS += tuple(check for check in CHECKS if check.id == "log_error")
# At most so many problems of a collector have a line in its verdict; one more line says how many are left.
LINES = 3
# At most so many texts are in such a line: the symptom, and the causes that are nearest to the root.
PARTS = 3
HEALTHY, UNKNOWN = "healthy", "unknown"
# The severities that make a collector unhealthy and get a line, the worst first. Findings of severity `info` get none.
_SEVERITIES_TOLD = ("error", "warning")
# The facts of a collector that the module returns: what it is, then the rows that were read.
_KEPT = ("name", "namespace", "kind", "mode", "image", "workloads", "pods", "ready_text", "seconds")
_LISTED = (
    *("receives", "processes", "exports", "services", "peers", "listeners", "certificates", "rights", "unseen"),
    *("target_allocator", "autoscalers", "memory", "events"),
)
_ROLES = {"receivers": "receiver", "processors": "processor", "exporters": "exporter", "extensions": "extension"}


def status(facts: Facts, found: Sequence[CheckFinding]) -> str:
    """Return the worst severity that matters; without any, whether that could be seen at all."""
    severities = {finding.check.severity for finding in found}
    for severity in _SEVERITIES_TOLD:
        if severity in severities:
            return severity
    return UNKNOWN if facts.get("receives") is None else HEALTHY


def verdict(facts: Facts, found: Sequence[CheckFinding]) -> list[str]:
    """Return the lines on the most urgent problems, see LINES, or the one line of a collector without problems."""
    told = [finding for finding in found if finding.check.severity in _SEVERITIES_TOLD]
    if not facts.get("running"):
        early = [finding for finding in told if finding.check.stage in BEFORE_RUNNING]
        told = early or told
    lines = [_line(group) for group in _groups(told)]
    if not lines:
        return [_line_without_problems(facts, found)]
    more = len(lines) - LINES
    if more > 0:
        return [*lines[:LINES], f"and {more} more, see the details"]
    return lines


def undelivered(facts: Facts, found: Iterable[CheckFinding]) -> list[str]:
    """Return a line for each exporter of a collector that does not deliver, from what the checks of its ends found."""
    lines = []
    peers = facts.get("peers") or ()
    for group in _groups(finding for finding in found if finding.about.startswith("exporters/")):
        about = group[0].about
        endpoints = dict.fromkeys(str(peer["endpoint"]) for peer in peers if peer["about"] == about)
        to = f" to {', '.join(endpoints)}" if endpoints else ""
        # That nothing flows is the symptom, which a cause explains.
        causes = [finding for finding in group if finding.check.stage != "flow"]
        why = ": ".join(_from_symptom_to_cause(causes or group[:1]))
        exporter = about.partition("/")[2]
        lines.append(f"{facts['namespace']}/{facts['name']}: exporter {exporter} does not deliver{to}: {why}")
    return lines


def _from_symptom_to_cause(group: Sequence[CheckFinding], most: int = 0) -> list[str]:
    """Return the texts of a group from symptom to cause, each once and without its full stop.

    At most `most` texts, see `_shortened`; 0 stands for all.
    """
    ranked = sorted(_merged(group), key=lambda merged: merged.rank, reverse=True)
    texts = [merged.text for merged in ranked]
    if most:
        texts = _shortened(texts, most)
    return list(dict.fromkeys(text.rstrip(".") for text in texts))


def _shortened(texts: list[str], most: int) -> list[str]:
    """Return at most `most` texts, which is 1 or more: the first one, the symptom, and the last ones, the causes.

    With `most` 3, [symptom, sign, other sign, cause, root] becomes [symptom, cause, root].
    """
    if len(texts) <= most:
        return texts
    first_cause = len(texts) - (most - 1)
    return [texts[0], *texts[first_cause:]]


def _groups(found: Iterable[CheckFinding]) -> list[list[CheckFinding]]:
    """Return what is about the same together; errors come before warnings, causes before signs."""
    groups: dict[str, list[CheckFinding]] = {}
    for finding in found:
        groups.setdefault(finding.about or finding.check.id, []).append(finding)

    def urgency(group: Sequence[CheckFinding]) -> tuple[int, int]:
        worst = min(SEVERITIES.index(finding.check.severity) for finding in group)
        return worst, min(finding.rank for finding in group)

    return sorted(groups.values(), key=urgency)


def _line(group: Sequence[CheckFinding]) -> str:
    """Return a sentence from the symptom to its cause, and what to do about the cause."""
    text = ": ".join(_from_symptom_to_cause(group, PARTS))
    line = f"{_subject(group[0].about, text)}{text}"
    for finding in group:
        if finding.fix:
            return f"{line} → {finding.fix}"
    return line


class _Merged(NamedTuple):
    """What one check found about a component, in one text; causes have lower ranks than symptoms."""

    rank: int
    text: str


def _merged(group: Sequence[CheckFinding]) -> list[_Merged]:
    """Return one text for each check, which names what else it holds for."""
    by_check: dict[str, list[CheckFinding]] = {}
    for finding in group:
        by_check.setdefault(finding.check.id, []).append(finding)
    merged = []
    for first, *rest in by_check.values():
        others = [finding for finding in rest if finding.message != first.message]
        merged.append(_Merged(first.rank, f"{first.message}{_what_else(others)}"))
    return merged


def _what_else(others: Sequence[CheckFinding]) -> str:
    """Return what else a check found, as the end of a text: the signals, or how many there are."""
    signals = [str(finding.item["items"]) for finding in others if finding.item.get("items")]
    if signals:
        return f"; the same for {', '.join(signals)}"
    return f" (and {len(others)} more like it)" if others else ""


def _subject(about: str, text: str) -> str:
    """Return the component that a line is about, unless its text has the name."""
    role, slash, name = about.partition("/")
    if not slash or name in text:
        return ""
    return f"{_ROLES.get(role, role)} {name}: "


def _line_without_problems(facts: Facts, found: Sequence[CheckFinding]) -> str:
    """Return the line of a collector of which nothing is wrong, or of which that is not known."""
    noted = _noted([finding for finding in found if finding.check.stage == "config"])
    if facts.get("receives") is None:
        return f"{_unknown(facts)}{noted}"
    exporters = [str(row["id"]) for row in facts.get("exports") or ()]
    here = ""
    if exporters and all(prints_records(exporter) for exporter in exporters):
        here = "; its exporters only print to its own log"
    return f"healthy: {flowing(facts)}{here}{noted}"


def _noted(notes: Sequence[CheckFinding]) -> str:
    """Return how many notes there are on a config, as the end of a line."""
    if not notes:
        return ""
    return "; 1 note on its config" if len(notes) == 1 else f"; {len(notes)} notes on its config"


def _unknown(facts: Facts) -> str:
    """Return why it is not known whether data flows, or how the collector is at all."""
    unseen = {str(row["what"]): str(row["why"]) for row in facts["unseen"]}
    if facts.get("running"):
        for what in ("own metrics", "config", f"pods in {facts.get('namespace')}"):
            if what in unseen:
                return f"runs, but whether data flows cannot be seen: {unseen[what]}"
        return "runs, but whether data flows cannot be seen: no own metrics"
    for what, why in unseen.items():
        return f"unknown: cannot be seen: {what}: {why}"
    return "unknown: no pod of it runs"


def flowing(facts: Facts) -> str:
    """Return what went through a collector, signal by signal."""
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for row in facts["receives"]:
        came[str(row["items"])] += int(row["accepted"])
    for row in facts["exports"]:
        went[str(row["items"])] += int(row["sent"])
    counts = []
    for items in dict.fromkeys([*came, *went]):
        if came[items] or went[items]:
            counts.append(f"{came[items]} {items} in, {went[items]} out")
    if not counts:
        return "no data was due in that time"
    seconds = facts["receives"][0]["seconds"] if facts["receives"] else 0
    return f"{'; '.join(counts)} in {seconds} s"


def result(facts: Mapping[str, Any], found: Sequence[CheckFinding]) -> dict[str, Any]:
    """Return a collector's row in the result of the diagnosis: its facts, its verdict, and what checks found."""
    return {
        **{key: facts.get(key) for key in (*_KEPT, *_LISTED)},
        "seen": not facts.get("hidden"),
        "wave": facts.get("wave") or {},
        "status": status(facts, found),
        "verdict": verdict(facts, found),
        "problems": [_problem(finding) for finding in found],
    }


def _problem(finding: CheckFinding) -> dict[str, str]:
    """Return what a check found as a row of the result."""
    return {
        "id": finding.check.id,
        "stage": finding.check.stage,
        "severity": finding.check.severity,
        "about": finding.about,
        "message": finding.message,
        "fix": finding.fix,
    }
