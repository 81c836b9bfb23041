# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the records that arrived stands for which expected one: as many pairs as possible. Private.

This is a maximum matching of a bipartite graph, found with Kuhn's algorithm: each expected record asks for one that
fits it, and one that is taken is given up if its owner finds another. The search goes breadth first, so that a long
chain of owners needs no deep recursion.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence


def pair_records(fitting_numbers: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return for as many expected records as possible one that arrived, each of them once.

    `fitting_numbers` has for each expected record the numbers of those that arrived and are as expected.
    """
    pairing = _Pairing(fitting_numbers)
    for index in range(len(fitting_numbers)):
        pairing.add(index)
    return pairing.number_by_index


class _Pairing:
    """Expected records by index, each with the number of one that arrived. Both count from 0."""

    def __init__(self, fitting_numbers: Sequence[Sequence[int]]) -> None:
        self.fitting_numbers = fitting_numbers
        self.number_by_index: dict[int, int] = {}
        self._index_by_number: dict[int, int] = {}

    def add(self, index: int) -> None:
        """Pair one more expected record, if those that are paired can give way to it by taking others."""
        asking_index_by_number: dict[int, int] = {}
        asking_indexes = deque([index])
        while asking_indexes:
            asking_index = asking_indexes.popleft()
            for number in self.fitting_numbers[asking_index]:
                if number in asking_index_by_number:
                    continue
                asking_index_by_number[number] = asking_index
                if number not in self._index_by_number:
                    self._give(number, asking_index_by_number)
                    return
                asking_indexes.append(self._index_by_number[number])

    def _give(self, free_number: int, asking_index_by_number: Mapping[int, int]) -> None:
        """Give a free number to the index that asks for it, the number which that one had to the next, and so on."""
        number: int | None = free_number
        while number is not None:
            index = asking_index_by_number[number]
            earlier_number = self.number_by_index.get(index)
            self.number_by_index[index] = number
            self._index_by_number[number] = index
            number = earlier_number
