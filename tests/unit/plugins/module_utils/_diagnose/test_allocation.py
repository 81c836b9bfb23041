# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a target allocator shares out its targets."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.allocation import summarize_allocation


def test_targets_are_counted_by_job_and_by_collector() -> None:
    told = summarize_allocation({"b": {"c-0": 2, "c-1": 0}, "a": {}})
    assert told["jobs"] == [{"name": "a", "targets": 0}, {"name": "b", "targets": 2}]
    assert told["collectors"] == [{"name": "c-0", "targets": 2}, {"name": "c-1", "targets": 0}]
