# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits from which on a change counts as worse than what ran before: for canaries, and for services of hosts.

The canary of _change and host_judgement.py use them, so that clusters and hosts are judged alike. docs/change.md lists
their sources. Private.
"""

from __future__ import annotations

# At least so many items must fail or be refused.
FEWEST_ITEMS = 5
# By so many percentage points must the share of items that fail exceed that before.
EXCESS_POINTS = 10
# So many items must have been due by the rate before, of which none came.
FEWEST_DUE = 20
# By so many seconds must items leave an exporter later than they should.
LATE_SECONDS = 5
