# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a check names what each finding is about."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.action.host_check import _format_findings


def test_a_finding_about_the_host_itself_is_titled_so() -> None:
    faults = [{"collector": "", "message": "no root"}, {"collector": "agent", "message": "no user"}]
    warnings = [{"collector": "", "message": "a late clock"}, {"collector": "old", "message": "unlisted"}]
    assert list(_format_findings(faults, warnings)) == [
        "host: error: no root",
        "agent: error: no user",
        "host: warning: a late clock",
        "old: warning: unlisted",
        "2 errors",
    ]
