# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a circle in a directed graph. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeVar

Node = TypeVar("Node")


def find_circle(successors: Mapping[Node, Collection[Node]]) -> list[tuple[Node, Node]]:
    """Return the edges of one circle in their order; none if no node leads back to itself.

    `successors` has what each node leads to; a node that it does not name leads nowhere.
    Example: `{"a": ["b"], "b": ["c"], "c": ["b"]}` has the circle `[("b", "c"), ("c", "b")]`.
    """
    try:
        TopologicalSorter(successors).prepare()
    except CycleError as error:
        # graphlib reads the mapping as what each node comes after, so its circle runs against the edges. It ends with
        # the node that it starts with.
        nodes: list[Node] = error.args[1][::-1]
        return list(pairwise(nodes))
    return []
