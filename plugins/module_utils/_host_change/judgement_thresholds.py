# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which numbers on a change is worse than what ran before, for canaries and for services of hosts.

docs/change.md lists their sources. Private.
"""

from __future__ import annotations

# Items that failed or were refused, and by how many percentage points their share exceeds that before.
FEWEST_ITEMS, EXCESS_POINTS = 5, 10
# Items that were due by the rate before, of which none came.
FEWEST_DUE = 20
# By how many seconds items leave an exporter later than they should.
LATE_SECONDS = 5
