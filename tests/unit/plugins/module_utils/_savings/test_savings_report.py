# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages say what is proposed, what is not known, and show no content that could be code of Markdown."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.instrumentation_score import compute_score
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.measured_shares import RemovedShares
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.observation import SavingsWishes
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.savings_data import build_savings_data
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.savings_lines import list_savings_lines
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.savings_markdown import build_savings_markdown
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.savings_report import (
    ReportedProposal,
    Savings,
)

from .planted import OPEN, found, logs, spans

DEBUG = [{"body": "x", "severity": "debug", "resource": {"service.name": "cart"}}] * 9
INFO = [{"body": "y", "severity": "info", "resource": {"service.name": "cart"}}]


def savings(*requests: Any, **wishes: Any) -> Savings:
    seen = found(*requests, wishes=SavingsWishes(**{"least_percent": 0, **wishes}))
    measured = {"logs": RemovedShares(0.9, 0.88, 0.7)}
    told = tuple(ReportedProposal(proposal, {"recipes": []}, "recipes: []\n", measured) for proposal in seen.proposals)
    scores = tuple(compute_score(name, facts, OPEN) for name, facts in seen.summary_by_service.items())
    return Savings("gateway", seen, told, scores, ("a note",))


def test_estimated_and_measured_shares_stand_side_by_side() -> None:
    text = "\n".join(list_savings_lines(savings(logs(*DEBUG, *INFO))))
    assert "savings of gateway from 10 log records" in text
    assert "logs: 90.0 % of log records" in text
    assert "measured 90.0 % of log records, 88.0 % of bytes, 70.0 % of bytes as sent" in text
    assert "instrumentation of cart: " in text
    assert "LOG-001 not answered for cart: no capture takes 14 days" in text
    assert "note: a note" in text


def test_nothing_worth_dropping_is_said_with_what_was_left_out() -> None:
    text = "\n".join(list_savings_lines(savings(logs(*INFO), least_percent=100)))
    assert "less: no proposal reaches the least share of bytes" in text


def test_data_have_all_rules_and_both_shares() -> None:
    data = build_savings_data(savings(logs(*DEBUG, *INFO)))
    (proposal,) = [one for one in data["proposals"] if one["kind"] == "debug_logs"]
    assert proposal["estimated"]["logs"]["items_percent"] == 90.0
    assert proposal["measured"]["logs"]["sent_bytes_percent"] == 70.0
    assert data["scores"][0]["rules"]["LOG-002"]["kept"] is True
    assert data["scores"][0]["rules"]["LOG-001"]["kept"] is None


def test_a_name_of_telemetry_is_code_in_markdown() -> None:
    page = build_savings_markdown(savings(spans({"attributes": {"a|b`c": "1"}}), logs(*DEBUG, *INFO)))
    assert "`attribute: a\\|b'c of spans`" in page
    assert "\n    recipes: []\n" in page
    assert "| `cart` | " in page
