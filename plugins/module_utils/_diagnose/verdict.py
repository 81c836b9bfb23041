# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what checks found to a few lines that say why: symptoms with their causes, and what to do. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._otelcol.traits import prints_records
from .checks_flow import FLOWING, WAYS
from .checks_start import BEGINNING
from .checks_trust import TRUST
from .diagnose_checks import BEFORE_RUNNING, SEVERITIES, Check, CheckFinding, Facts

CHECKS: tuple[Check, ...] = (*BEGINNING, *TRUST, *WAYS, *FLOWING)
# What one reading right after a rollout shows of an exporter; queues and batches fill at first, and nothing is due yet.
ENDS = tuple(check for check in CHECKS if check.id.startswith(("peer_no_", "peer_blocked", "peer_kept_out", "fails")))
ENDS += tuple(check for check in CHECKS if check.id == "log_error")
LINES, PARTS = 3, 3
HEALTHY, UNKNOWN = "healthy", "unknown"
_TELLING = ("error", "warning")
_ROLES = {"receivers": "receiver", "processors": "processor", "exporters": "exporter", "extensions": "extension"}


def status(facts: Facts, found: Sequence[CheckFinding]) -> str:
    """Return the worst severity that matters; without any, whether that could be seen at all."""
    severities = {finding.check.severity for finding in found}
    worst = next((severity for severity in _TELLING if severity in severities), "")
    return worst or (HEALTHY if facts.get("receives") is not None else UNKNOWN)


def verdict(facts: Facts, found: Sequence[CheckFinding]) -> list[str]:
    """Return at most three lines, the cause of most first."""
    telling = [finding for finding in found if finding.check.severity in _TELLING]
    if not facts.get("running"):
        early = [finding for finding in telling if finding.check.stage in BEFORE_RUNNING]
        telling = early or telling
    lines = [_line(group) for group in _groups(telling)]
    if not lines:
        return [_calm(facts, found)]
    more = len(lines) - LINES
    return lines[:LINES] + ([f"and {more} more, see the details"] if more > 0 else [])


def undelivered(facts: Facts, found: Iterable[CheckFinding]) -> list[str]:
    """Return a line for each exporter of a collector that does not deliver, from what the checks of its ends found."""
    lines = []
    for group in _groups(one for one in found if one.about.startswith("exporters/")):
        about = group[0].about
        ends = dict.fromkeys(str(peer["endpoint"]) for peer in facts.get("peers") or () if peer["about"] == about)
        to = f" to {', '.join(ends)}" if ends else ""
        causes = [one for one in group if one.check.stage != "flow"] or group[:1]
        texts = [text.rstrip(".") for _rank, text in sorted(_merged(causes), key=lambda part: -part[0])]
        why = ": ".join(dict.fromkeys(texts))
        exporter = about.partition("/")[2]
        lines.append(f"{facts['namespace']}/{facts['name']}: exporter {exporter} does not deliver{to}: {why}")
    return lines


def _groups(found: Iterable[CheckFinding]) -> list[list[CheckFinding]]:
    """Return what is about the same together; errors come before warnings, causes before signs."""
    groups: dict[str, list[CheckFinding]] = {}
    for finding in found:
        groups.setdefault(finding.about or finding.check.id, []).append(finding)
    return sorted(groups.values(), key=lambda group: (min(map(_severity, group)), min(one.rank for one in group)))


def _severity(finding: CheckFinding) -> int:
    return SEVERITIES.index(finding.check.severity)


def _line(group: Sequence[CheckFinding]) -> str:
    """Return a sentence from the symptom to its cause, and what to do about the cause."""
    parts = _merged(group)
    texts = [text for _rank, text in sorted(parts, key=lambda part: -part[0])]
    kept = [texts[0], *texts[1:][-(PARTS - 1) :]]
    fix = next((finding.fix for finding in group if finding.fix), "")
    text = ": ".join(part.rstrip(".") for part in dict.fromkeys(kept))
    return f"{_subject(group[0].about, text)}{text}" + (f" → {fix}" if fix else "")


def _merged(group: Sequence[CheckFinding]) -> list[tuple[int, str]]:
    """Return one text for each check, which names what else it holds for."""
    by_check: dict[str, list[CheckFinding]] = {}
    for finding in group:
        by_check.setdefault(finding.check.id, []).append(finding)
    parts = []
    for same in by_check.values():
        others = [finding for finding in same[1:] if finding.message != same[0].message]
        signals = [str(finding.item["items"]) for finding in others if finding.item.get("items")]
        more = f" (and {len(others)} more like it)" if others else ""
        also = f"; the same for {', '.join(signals)}" if signals else more
        parts.append((same[0].rank, same[0].message + also))
    return parts


def _subject(about: str, text: str) -> str:
    role, slash, name = about.partition("/")
    return f"{_ROLES.get(role, role)} {name}: " if slash and name not in text else ""


def _calm(facts: Facts, found: Sequence[CheckFinding]) -> str:
    notes = sum(finding.check.stage == "config" for finding in found)
    noted = ""
    if notes:
        noted = "; 1 note on its config" if notes == 1 else f"; {notes} notes on its config"
    if facts.get("receives") is None:
        return f"{_unknown(facts)}{noted}"
    exporters = [str(row["id"]) for row in facts.get("exports") or ()]
    here = ""
    if exporters and all(map(prints_records, exporters)):
        here = "; its exporters only print to its own log"
    return f"healthy: {flowing(facts)}{here}{noted}"


def _unknown(facts: Facts) -> str:
    """Return why it is not known whether data flows, or how the collector is at all."""
    unseen = {str(item["what"]): str(item["why"]) for item in facts["unseen"]}
    if facts.get("running"):
        whats = ("own metrics", "config", f"pods in {facts.get('namespace')}")
        why = next((unseen[what] for what in whats if what in unseen), "no own metrics")
        return f"runs, but whether data flows cannot be seen: {why}"
    reason = next((f"cannot be seen: {what}: {why}" for what, why in unseen.items()), "no pod of it runs")
    return f"unknown: {reason}"


def flowing(facts: Facts) -> str:
    """Return what went through a collector, signal by signal."""
    ends: dict[str, list[int]] = {}
    for column, (rows, word) in enumerate(((facts["receives"], "accepted"), (facts["exports"], "sent"))):
        for row in rows:
            ends.setdefault(str(row["items"]), [0, 0])[column] += int(row[word])
    counts = [f"{came} {items} in, {went} out" for items, (came, went) in ends.items() if came or went]
    seconds = next((row["seconds"] for row in facts["receives"]), 0)
    return f"{'; '.join(counts)} in {seconds} s" if counts else "no data was due in that time"


def result(facts: Mapping[str, Any], found: Sequence[CheckFinding]) -> dict[str, Any]:
    kept = ("name", "namespace", "kind", "mode", "image", "workloads", "pods", "ready_text", "seconds")
    listed = ("receives", "processes", "exports", "services", "peers", "listeners", "certificates", "rights", "unseen")
    return {
        **{key: facts.get(key) for key in (*kept, *listed, "target_allocator", "autoscalers", "memory", "events")},
        "seen": not facts.get("hidden"),
        "wave": facts.get("wave") or {},
        "status": status(facts, found),
        "verdict": verdict(facts, found),
        "problems": [
            {
                "id": finding.check.id,
                "stage": finding.check.stage,
                "severity": finding.check.severity,
                "about": finding.about,
                "message": finding.message,
                "fix": finding.fix,
            }
            for finding in found
        ],
    }
