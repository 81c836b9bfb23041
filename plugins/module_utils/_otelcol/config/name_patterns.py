# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pipelines or components of a config the patterns of recipes stand for. Private.

A pattern is a name of a pipeline, or an id of a component, with a wildcard. If a recipe or the user's config declares
the pipelines `traces`, `traces/shop` and `logs`, the pattern `traces*` stands for the first two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..errors import Problem
from .layers import Layer
from .paths import mapping_at

# What to do if nothing matches a pattern of pipelines, or one of components.
_PIPELINE_FIX = (
    "Add a recipe that receives that signal, declare the pipeline in `config`, or narrow the recipe's options."
)
_COMPONENT_FIX = "Add a recipe with such a component, declare it in `config`, or correct the recipe's options."


def list_declared_names(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the names of the pipelines or components at a path of the user's layers; a later `null` takes one away.

    Names that are no text are left out.
    """
    content_by_name: dict[str, Any] = {}
    for layer in layers:
        content_by_name.update(mapping_at(layer.config, *path))
    return [name for name, content in content_by_name.items() if content is not None and isinstance(name, str)]


def expand_pattern(pattern: str, declared_names: Iterable[str], recipe_name: str, section_name: str) -> list[str]:
    """Return the declared names that a pattern matches, each once. Raises Problem if it matches none."""
    matches = [name for name in declared_names if fnmatchcase(name, pattern)]
    if not matches:
        raise _make_unmatched_problem(pattern, recipe_name, section_name)
    return list(dict.fromkeys(matches))


def _make_unmatched_problem(pattern: str, recipe_name: str, section_name: str) -> Problem:
    """Return the problem that a pattern of a recipe matches nothing."""
    if section_name == "pipelines" and pattern == "*":
        return Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
    missing = _singular_with_article(section_name)
    message = f"{recipe_name} adds to {section_name} '{pattern}', but nothing declares such {missing}"
    return Problem(message, fix=_PIPELINE_FIX if section_name == "pipelines" else _COMPONENT_FIX)


def _singular_with_article(section_name: str) -> str:
    """Return one of a section in words: `an exporter` of `exporters`."""
    article = "an" if section_name[0] == "e" else "a"
    return f"{article} {section_name.removesuffix('s')}"
