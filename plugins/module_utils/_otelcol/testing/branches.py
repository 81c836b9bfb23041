# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a config may do with a record or not: its statements, conditions, sampling policies and routes.

Each is asked with settings of its component: a record takes it if these settings make something else of the records
than other settings, or than nothing. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config.paths import Path, leaves, section
from ..config.pipelines import PipelineGraph
from ..languages.ottl import Language
from ..traits import CONNECTORS, Trait, kind_of, types_that
from .branch_model import NOT_ASKED, Branch, Settings
from .connector_branches import branches_of_counts, branches_of_routes
from .processor_steps import STEPS, branches_of_steps
from .sampling_branches import branches_of_policies

# Section and type of a component: what asks for its branches. The processors of STEPS are not among them.
_ASKED_BY_KIND: dict[tuple[str, str], Callable[[Path, Settings], Iterator[Branch]]] = {
    ("processors", "tailsampling"): branches_of_policies,
    (CONNECTORS, "routing"): branches_of_routes,
    **{(CONNECTORS, kind): branches_of_counts for kind in types_that(CONNECTORS, Trait.COUNTS_BY_CONDITION)},
}
# Keys below which a component has statements or conditions in OTTL or expr.
_DECIDING = {"condition", "conditions", "statement", "statements", "if", "expr"}
_CHOOSING = ("include", "exclude")


def branches(config: Mapping[str, Any], language: Language) -> list[Branch]:
    """Return what a config may do or not, in the order of the config."""
    graph = PipelineGraph.of(config)
    found: list[Branch] = []
    for role in ("receivers", "processors", "connectors"):
        for component, settings in section(config, role).items():
            if graph.lists(component):
                found += _branches_of_component((role, component), settings, language)
    return found


def _branches_of_component(path: Path, settings: Any, language: Language) -> Iterator[Branch]:
    """Yield what a component may do or not: first what a test can tell, then what it cannot."""
    asked_paths = set()
    for branch in _asked_branches(path, settings, language):
        asked_paths.add(branch.path)
        yield branch
    for branch in _branches_not_asked(path, settings):
        if branch.path not in asked_paths:
            yield branch


def _asked_branches(path: Path, settings: Any, language: Language) -> Iterator[Branch]:
    role, kind = str(path[0]), kind_of(str(path[1]))
    if not isinstance(settings, Mapping):
        return
    if role == "processors" and kind in STEPS:
        yield from branches_of_steps(path, kind, settings, language)
    elif (role, kind) in _ASKED_BY_KIND:
        yield from _ASKED_BY_KIND[role, kind](path, settings)


def _branches_not_asked(path: Path, settings: Any) -> Iterator[Branch]:
    """Yield what looks like a statement or a condition, or chooses records in another way."""
    choices: dict[Path, None] = {}
    for place, value in leaves(settings, path):
        if isinstance(value, str) and _is_deciding(place):
            yield Branch(place, value, unknown=NOT_ASKED)
        choices |= dict.fromkeys(_choices_above(place))
    for place in choices:
        yield Branch(place, str(place[-1]), unknown=NOT_ASKED)


def _is_deciding(place: Path) -> bool:
    """Whether the last key on the way to a setting of a component is one of statements or conditions."""
    keys = [part for part in place[2:] if isinstance(part, str)]
    return bool(keys) and keys[-1] in _DECIDING


def _choices_above(place: Path) -> Iterator[Path]:
    """Yield each named choice in which a setting lies."""
    for length, part in enumerate(place[:-1], 1):
        if part in _CHOOSING and isinstance(place[length], str):
            yield place[:length]
