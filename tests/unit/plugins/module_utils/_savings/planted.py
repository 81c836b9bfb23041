# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted telemetry with known answers, in the short form of config tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.records import SIGNAL_BY_RECORD_KIND
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.capture_findings import CaptureFindings
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.observation import (
    SavingsWishes,
    observe_capture,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.proposals import SavingProposal

OPEN, MASKED = ReadableValues(), ReadableValues(is_masked=True)
ALL = SavingsWishes(least_percent=0)
Request = tuple[str, dict[str, Any]]


def request(short: str, records: Iterable[Mapping[str, Any]], minute: int = 0) -> Request:
    return SIGNAL_BY_RECORD_KIND[short], build_otlp_request(
        short, [dict(record) for record in records], "planted", minute
    )


def spans(*records: Mapping[str, Any]) -> Request:
    return request("spans", records)


def logs(*records: Mapping[str, Any]) -> Request:
    return request("logs", records)


def points(*records: Mapping[str, Any], minute: int = 0) -> Request:
    return request("metrics", records, minute)


def found(*requests: Request, readable: ReadableValues = OPEN, wishes: SavingsWishes = ALL) -> CaptureFindings:
    return observe_capture(requests, readable, wishes)


def proposals(kind: str, *requests: Request, readable: ReadableValues = OPEN) -> dict[str, SavingProposal]:
    """Return the proposals of a kind, by what they are about."""
    told = found(*requests, readable=readable).proposals
    return {proposal.subject: proposal for proposal in told if proposal.kind == kind}


def not_told(kind: str, *requests: Request, readable: ReadableValues = OPEN) -> str:
    """Return why a kind cannot be told."""
    return "\n".join(why for of_kind, why in found(*requests, readable=readable).capture_gaps if of_kind == kind)
