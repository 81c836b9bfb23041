# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_collector/monitoring/gpu_rules.py: the texts of the alerts."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.gpu_rules import GPU_ALERTS


def test_what_is_not_measured_is_said_to_be_unknown_for_that_time() -> None:
    descriptions = {alert.name: alert.description for alert in GPU_ALERTS}
    assert "are unknown meanwhile, not zero" in descriptions["OtelGpuUnmeasured"]
    assert "are unknown meanwhile, not zero" in descriptions["OtelGpuNodeLost"]
