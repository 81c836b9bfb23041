# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A subject taken apart for the rules, once: started parts, pipelines, scalars, ports. Private."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..config.paths import ROLES, Path, at, items, leaves, section
from ..needs.listeners import Listener, Part, kind_of, listeners, started
from .subject import Subject

_KEPT = "_view"

__all__ = ["Listener", "Part", "Pipeline", "View", "kind_of", "view"]


class Pipeline(NamedTuple):
    """A pipeline: its key, and what stands in it."""

    key: str
    receivers: list[str]
    processors: list[str]
    exporters: list[str]

    @property
    def path(self) -> Path:
        """Where it stands in the config."""
        return ("service", "pipelines", self.key)


class View:
    """A subject, taken apart; every piece is made when a rule first asks for it."""

    def __init__(self, subject: Subject) -> None:
        # Not the subject itself, which keeps its view: without a cycle, memory is free as soon as both are done.
        self.config, self._table, self._deployment = subject.config, subject.listeners, subject.deployment

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, without what is no text in their lists; not those of which a variable says what is in them."""
        found = section(self.config, "service", "pipelines").items()
        return tuple(
            Pipeline(key, *(_texts(items(value, role)) for role in ROLES))
            for key, value in found
            if isinstance(key, str) and not any(isinstance(at(value, (role,)), str) for role in ROLES)
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The components that are started, extensions first; not those whose settings are a variable."""
        found = started(self.config)
        return tuple(part for part in found if not isinstance(at(self.config, part.path), str))

    @cached_property
    def leaves(self) -> tuple[tuple[Path, Any], ...]:
        """Every scalar of the config with its path."""
        return tuple(leaves(self.config))

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Every port that is surely opened and whose number is known; the service's own metrics come first."""
        by_operator = bool(self._deployment and self._deployment.operator_version)
        return tuple(listeners(self.config, self.parts, self._table, by_operator))

    def of(self, name: str, *kinds: str) -> Iterator[Part]:
        """Yield the started components of a section that are of one of these kinds."""
        return (part for part in self.parts if part.section == name and part.kind in kinds)


def view(subject: Subject) -> View:
    """Return the view of a subject, the same one each time."""
    kept = vars(subject)
    if _KEPT not in kept:
        kept[_KEPT] = View(subject)
    found: View = kept[_KEPT]
    return found


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
