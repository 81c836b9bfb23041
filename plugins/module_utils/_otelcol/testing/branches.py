# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a config may do with a record or not: its statements, conditions, sampling policies and routes.

`list_branches` returns a `Branch` for each, see branch_model.py, which also says what it means to ask a branch and to
take it. processor_steps.py, sampling_branches.py and connector_branches.py make those that can be asked. Here are also
those that cannot: texts that look like conditions in other components. coverage.py of the tests calls it. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config.paths import Path, iter_leaves, mapping_at
from ..config.pipelines import PipelineGraph
from ..languages.ottl_language import OttlLanguage
from ..traits import CONNECTORS, Trait, kind_of, types_with_traits
from .branch_model import NOT_ASKED, Branch, Settings
from .connector_branches import list_branches_of_counts, list_branches_of_routes
from .processor_steps import STEP_LISTS_BY_KIND, list_branches_of_steps
from .sampling_branches import list_branches_of_policies

# Section and type of a component: what asks for its branches. The processors of STEPS are not among them.
_ASKED_BY_KIND: dict[tuple[str, str], Callable[[Path, Settings], Iterator[Branch]]] = {
    ("processors", "tailsampling"): list_branches_of_policies,
    (CONNECTORS, "routing"): list_branches_of_routes,
    **{
        (CONNECTORS, kind): list_branches_of_counts for kind in types_with_traits(CONNECTORS, Trait.COUNTS_BY_CONDITION)
    },
}
# Keys below which a component has statements or conditions in OTTL or expr.
_DECIDING_KEYS = {"condition", "conditions", "statement", "statements", "if", "expr"}
_CHOOSING_KEYS = ("include", "exclude")


def list_branches(config: Mapping[str, Any], language: OttlLanguage) -> list[Branch]:
    """Return the branches of the components in pipelines, in the order of the config."""
    graph = PipelineGraph.of(config)
    all_branches: list[Branch] = []
    for role in ("receivers", "processors", "connectors"):
        for component, settings in mapping_at(config, role).items():
            if graph.has_component(component):
                all_branches += _list_branches_of_component((role, component), settings, language)
    return all_branches


def _list_branches_of_component(path: Path, settings: Any, language: OttlLanguage) -> Iterator[Branch]:
    """Yield the branches of a component: first those that a test can ask, then the others."""
    asked_paths = set()
    for branch in _list_asked_branches(path, settings, language):
        asked_paths.add(branch.path)
        yield branch
    for branch in _list_branches_not_asked(path, settings):
        if branch.path not in asked_paths:
            yield branch


def _list_asked_branches(path: Path, settings: Any, language: OttlLanguage) -> Iterator[Branch]:
    role, kind = str(path[0]), kind_of(str(path[1]))
    if not isinstance(settings, Mapping):
        return
    if role == "processors" and kind in STEP_LISTS_BY_KIND:
        yield from list_branches_of_steps(path, kind, settings, language)
    elif (role, kind) in _ASKED_BY_KIND:
        yield from _ASKED_BY_KIND[role, kind](path, settings)


def _list_branches_not_asked(path: Path, settings: Any) -> Iterator[Branch]:
    """Yield a branch of unknown state for each text that looks like a statement or condition, and each choice.

    A choice is a mapping `include` or `exclude`, which selects records.
    """
    choices: dict[Path, None] = {}
    for setting_path, value in iter_leaves(settings, path):
        if isinstance(value, str) and _has_deciding_key(setting_path):
            yield Branch(setting_path, value, unknown_reason=NOT_ASKED)
        choices |= dict.fromkeys(_list_choices_above(setting_path))
    for setting_path in choices:
        yield Branch(setting_path, str(setting_path[-1]), unknown_reason=NOT_ASKED)


def _has_deciding_key(setting_path: Path) -> bool:
    """Whether the last key of a path below a component, list indexes aside, is one of statements or conditions."""
    keys = [path_part for path_part in setting_path[2:] if isinstance(path_part, str)]
    return bool(keys) and keys[-1] in _DECIDING_KEYS


def _list_choices_above(setting_path: Path) -> Iterator[Path]:
    """Yield the path of each `include` or `exclude` around a setting."""
    for length, path_part in enumerate(setting_path[:-1], 1):
        if path_part in _CHOOSING_KEYS and isinstance(setting_path[length], str):
            yield setting_path[:length]
