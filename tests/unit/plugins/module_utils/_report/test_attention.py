# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention says what is wrong, and leads to its place on the page."""

from __future__ import annotations

from .test_page_model import CERTIFICATE, FINDING, diagnosed, fleet, page


def test_errors_come_first_and_lead_to_their_place() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="warning", gateway="error"), findings=[FINDING])
    made = page(found)
    assert [item["severity"] for item in made["attention"]] == ["error", "error", "warning", "warning"]
    assert made["attention"][0]["anchor"] == made["clusters"][0]["collectors"][1]["anchor"] == "c0-1"
    assert (made["summary"]["errors"], made["summary"]["ailing"], made["summary"]["certificates"]) == (1, 2, 1)


def test_a_certificate_that_is_not_valid_yet_is_told_by_its_first_day_not_its_last() -> None:
    found = diagnosed(agent="healthy", gateway="healthy")
    dates = {"not_before": "2030-01-01T00:00:00Z", "not_after": "2031-01-01T00:00:00Z", "state": "not_yet_valid"}
    found["collectors"][0]["certificates"] = [CERTIFICATE | dates]
    made = page(fleet().cluster(asked=True, diagnosis=found))
    texts = [row["text"] for row in made["attention"] if row["severity"] == "error"]
    assert texts == ["Secret obs/tls (tls.crt) is valid only from 2030-01-01T00:00:00Z"]
