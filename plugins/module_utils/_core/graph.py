# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks of directed graphs. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def reached(after: Mapping[Node, Collection[Node]], start: Node) -> set[Node]:
    """Return the nodes that lead on from a node, directly or not; the node itself only if it is on a circle."""
    found: set[Node] = set()
    left = [start]
    while left:
        more = set(after[left.pop()]) - found
        found |= more
        left += more
    return found
