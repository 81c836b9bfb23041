# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of what rules find in the settings of a component, for the next config with the same settings. Private.

Configs of one run often have the same components, and a walk through settings takes most of the time of a run. So a
rule has a function that looks at one component, such as this one of setting_fields.py:

    def _list_refusals(build: Build, component: ConfiguredComponent) -> Iterator[_Refusal]: …

It does not call the function itself, but asks `find_in_components(subject, _list_refusals)` for the answers about all
components. The cache is kept with the build (build_facts.py), since the answers are about the components of the build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

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
_AnswersByFunction = dict[Any, Any]
"""What each function found in some settings."""


class AnswerOnComponent(NamedTuple, Generic[_Answer]):
    """Something that a function found in the settings of a component."""

    component: ConfiguredComponent
    answer: _Answer


def find_in_components(
    subject: Subject, find_answers: Callable[[Build, ConfiguredComponent], Iterable[_Answer]]
) -> Iterator[AnswerOnComponent[_Answer]]:
    """Yield the answers of a function about each component of a subject.

    The answers must follow from the build and the component alone, because the function is called once for equal
    components of all configs. It is a function of a file, since the cache tells functions apart by their identity.
    `service.telemetry` counts as a component. Without a known build, nothing is found.
    """
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component, cached_answers in _list_with_cached_answers(subject):
        answers = cached_answers.get(find_answers)
        if answers is None:
            answers = tuple(find_answers(build, component))
            if may_suggest():  # without suggestions the answers are not those of the next config
                cached_answers[find_answers] = answers
        for answer in answers:
            yield AnswerOnComponent(component, answer)


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
