# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of what rules find in the settings of a component, for the next config with the same settings. Private.

Configs of one run often have the same components, and a walk through settings takes most of the time of a run. The
decorator `cached_by_settings` is for a function that looks at one component, such as this one of setting_fields.py:

    @cached_by_settings
    def _find_refusals(build: Build, component: ConfiguredComponent) -> Iterator[_Refusal]: …

The rules call the decorated function with a subject: `_find_refusals(subject)` yields what it finds in each component.
The cache is kept with the build (build_facts.py), since the answers are about the components of the build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, TypeVar

from ..config.paths import value_at
from ..errors import may_suggest
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, ConfiguredComponent, configured_components
from .subject import Subject, once_per_subject

# The characters of settings that are cached at most, since they are part of a key of the cache.
_LONGEST_SETTINGS = 4096
# When the cache has as many settings, it is emptied.
_MOST_CACHED_SETTINGS = 4096
_Answer = TypeVar("_Answer")
_ComponentPath = tuple[str, str]
"""The section and the id of a component."""
_AnswersByFunction = dict[Any, Any]
"""What each decorated function found in some settings."""


def cached_by_settings(
    find: Callable[[Build, ConfiguredComponent], Iterable[_Answer]],
) -> Callable[[Subject], Iterator[tuple[_ComponentPath, _Answer]]]:
    """Return a function that yields the answers of `find` for each component of a subject, with the component's path.

    The answers of `find` must follow from the build and the component alone, because it is called once for equal
    components of all configs. `service.telemetry` counts as a component. Without a known build, nothing is found.
    """

    @wraps(find)
    def find_or_recall(subject: Subject) -> Iterator[tuple[_ComponentPath, _Answer]]:
        if subject.target is None:
            return
        build = build_of(subject.target)
        for component, cached_answers in _list_with_cached_answers(subject):
            answers = cached_answers.get(find)
            if answers is None:
                answers = tuple(find(build, component))
                if may_suggest():  # without suggestions the answers are not those of the next config
                    cached_answers[find] = answers
            for answer in answers:
                yield component.config_path, answer

    return find_or_recall


@once_per_subject
def _list_with_cached_answers(subject: Subject) -> Iterator[tuple[ConfiguredComponent, _AnswersByFunction]]:
    """Yield every component with the part of the cache for its settings, to which new answers can be added."""
    if subject.target is None:
        return
    answers_by_settings = build_of(subject.target).cached_answers
    section, name = TELEMETRY
    telemetry = ConfiguredComponent(section, name, name, value_at(subject.config, TELEMETRY))
    for component in (*configured_components(subject), telemetry):
        settings_text = repr(component.settings)  # unlike a mapping, a text can be a key; it tells 1 from true
        if len(answers_by_settings) >= _MOST_CACHED_SETTINGS:
            answers_by_settings.clear()
        if len(settings_text) > _LONGEST_SETTINGS:
            yield component, {}  # for the functions of this subject alone
        else:
            yield component, answers_by_settings.setdefault((component.section, component.id, settings_text), {})
