# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the records that arrived stands for which expected one: as many pairs as possible. Private.

Expected records and those that arrived are called by their numbers, from 0. An example: the expected record 0 fits what
arrived as 0 and 1, and the expected record 1 fits 0 alone, so `pair_records([[0, 1], [0]])` is `{0: 1, 1: 0}`.

This is a maximum matching of a bipartite graph, found with Kuhn's algorithm: each expected record asks for an arrived
one that fits it. If that is taken, its owner gives it up, provided that the owner finds another one. The search goes
breadth first, so that a long chain of owners needs no deep recursion. expectations.py calls `pair_records`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence


def pair_records(fitting_numbers: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return for as many expected records as possible one that arrived, each of them once.

    `fitting_numbers` has for each expected record the numbers of those that arrived and are as expected.
    """
    pairing = _Pairing(fitting_numbers)
    for expected in range(len(fitting_numbers)):
        pairing.add_pair(expected)
    return pairing.arrived_by_expected


class _Pairing:
    """Pairs of an expected record and one that arrived, both by their numbers."""

    def __init__(self, fitting_numbers: Sequence[Sequence[int]]) -> None:
        self.fitting_numbers = fitting_numbers
        self.arrived_by_expected: dict[int, int] = {}
        self._expected_by_arrived: dict[int, int] = {}

    def add_pair(self, expected: int) -> None:
        """Pair one more expected record, if those that are paired can give way to it by taking others."""
        asking_by_arrived: dict[int, int] = {}
        asking_records = deque([expected])
        while asking_records:
            asking = asking_records.popleft()
            for arrived in self.fitting_numbers[asking]:
                if arrived in asking_by_arrived:
                    continue
                asking_by_arrived[arrived] = asking
                if arrived not in self._expected_by_arrived:
                    self._hand_over(arrived, asking_by_arrived)
                    return
                asking_records.append(self._expected_by_arrived[arrived])

    def _hand_over(self, free: int, asking_by_arrived: Mapping[int, int]) -> None:
        """Give a free record to the one that asks for it, what that one had to the next one that asks, and so on."""
        arrived: int | None = free
        while arrived is not None:
            asking = asking_by_arrived[arrived]
            given_up = self.arrived_by_expected.get(asking)
            self.arrived_by_expected[asking] = arrived
            self._expected_by_arrived[arrived] = asking
            arrived = given_up
