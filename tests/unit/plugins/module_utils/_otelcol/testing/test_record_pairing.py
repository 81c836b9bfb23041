# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import record_pairing


def test_a_thousand_records_that_must_give_way_to_each_other_are_paired() -> None:
    """The last one takes the record of the first, which takes that of the second, and so on."""
    count = 2000
    fitting_numbers = [[number, number + 1] for number in range(count - 1)] + [[0]]
    assert len(record_pairing.pair_records(fitting_numbers)) == count
