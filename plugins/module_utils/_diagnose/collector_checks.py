# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of collectors of a cluster: all of them, and those for the minute after a rollout. Private.

For example, `peer_no_endpoints` is in both: that a Service has no endpoints shows at once. A queue that fills is in the
first alone.
"""

from __future__ import annotations

from .checks_connections import CONNECTION_CHECKS
from .checks_flow import FLOW_CHECKS
from .checks_start import START_CHECKS
from .checks_trust import TRUST_CHECKS
from .diagnose_checks import Check

COLLECTOR_CHECKS: tuple[Check, ...] = (*START_CHECKS, *TRUST_CHECKS, *CONNECTION_CHECKS, *FLOW_CHECKS)
# The checks of exporters that one reading right after a rollout can answer: whether a backend can be reached, whether
# sending fails, and what the log says. Others come too early: queues and batches fill first, and nobody may have sent
# data yet. `fails` stands for all checks whose ids begin so, such as `fails_since_start`.
_EXPORTER_CHECK_PREFIXES = ("peer_no_", "peer_blocked", "peer_kept_out", "fails", "log_error")
EXPORTER_CHECKS = tuple(check for check in COLLECTOR_CHECKS if check.id.startswith(_EXPORTER_CHECK_PREFIXES))
