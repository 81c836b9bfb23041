# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exporters of a collector that do not deliver, right after a rollout. Private.

`_after_rollout.py` of plugin_utils calls `list_undelivered` with what EXPORTER_CHECKS found. A line is, for example:

    obs/gateway: exporter otlp does not deliver to jaeger.obs:4317: Service obs/jaeger has no ready endpoints
"""

from __future__ import annotations

from collections.abc import Iterable

from .diagnose_checks import CheckFinding, Facts
from .finding_groups import FindingGroup, group_by_subject


def list_undelivered(facts: Facts, findings: Iterable[CheckFinding]) -> list[str]:
    """Return a line for each exporter of a collector about which the checks have findings: it does not deliver."""
    collector = f"{facts['namespace']}/{facts['name']}"
    findings_of_exporters = [finding for finding in findings if finding.subject.startswith("exporters/")]
    lines = []
    for group in group_by_subject(findings_of_exporters):
        exporter = group.subject.partition("/")[2]
        destination = _describe_destination(facts, group.subject)
        reason = ": ".join(_select_causes(group).list_texts())
        lines.append(f"{collector}: exporter {exporter} does not deliver{destination}: {reason}")
    return lines


def _select_causes(group: FindingGroup) -> FindingGroup:
    """Return the findings on the causes; the first one of all where no cause is known.

    That nothing flows is the symptom. The line says already that the exporter does not deliver.
    """
    causes = [finding for finding in group.findings if finding.check.stage != "flow"]
    return FindingGroup(causes or group.findings[:1])


def _describe_destination(facts: Facts, exporter_path: str) -> str:
    """Return ` to ENDPOINT, ENDPOINT` for the addresses of an exporter such as `exporters/otlp`; empty without any."""
    endpoints: dict[str, None] = {}
    for peer in facts.get("peers") or ():
        if peer["about"] == exporter_path:
            endpoints[str(peer["endpoint"])] = None
    return f" to {', '.join(endpoints)}" if endpoints else ""
