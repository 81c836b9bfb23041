# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is certain of a processor: nothing, if nothing came in."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.canary_processors import PassedItems


def test_a_processor_of_which_nothing_came_in_passes_nothing_for_certain() -> None:
    assert PassedItems(0, 0).certain_percent == 0
    assert PassedItems(1000, 1000).certain_percent > 99
