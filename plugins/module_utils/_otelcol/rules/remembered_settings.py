# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules find in the settings of a component, remembered for the next config with the same settings. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, TypeVar

from ..config.paths import value_at
from ..errors import may_suggest
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, ConfiguredComponent, configured_components
from .subject import Subject, once_per_subject

# Characters of settings, and how many settings are remembered.
_LONGEST_SETTINGS, _MOST_REMEMBERED = 4096, 4096
_Answer = TypeVar("_Answer")


def remembered_by_settings(
    find: Callable[[Build, str, str, str, Any], Iterable[_Answer]],
) -> Callable[[Subject], Iterator[tuple[tuple[str, str], _Answer]]]:
    """Let configs share what a function finds in settings, for most settings are those of other configs too.

    Its answer follows from what it gets, and nothing else: the build, a section, an id, its type and the settings.
    """

    @wraps(find)
    def find_or_recall(subject: Subject) -> Iterator[tuple[tuple[str, str], _Answer]]:
        if subject.target is None:
            return
        build = build_of(subject.target)
        for component, known_answers in _list_with_known_answers(subject):
            answers = known_answers.get(find)
            if answers is None:
                answers = tuple(find(build, *component))
                if may_suggest():  # else they lack suggestions, which later ones may have
                    known_answers[find] = answers
            for answer in answers:
                yield component.config_path, answer

    return find_or_recall


@once_per_subject
def _list_with_known_answers(subject: Subject) -> Iterator[tuple[ConfiguredComponent, dict[Any, Any]]]:
    """Yield every component, and the Collector's own telemetry as one, with what functions found in its settings."""
    if subject.target is None:
        return
    answers_by_settings = build_of(subject.target).remembered_answers
    telemetry = ConfiguredComponent(*TELEMETRY, TELEMETRY[1], value_at(subject.config, TELEMETRY))
    for component in (*configured_components(subject), telemetry):
        settings_text = repr(component.settings)
        if len(answers_by_settings) >= _MOST_REMEMBERED:
            answers_by_settings.clear()
        if len(settings_text) > _LONGEST_SETTINGS:
            yield component, {}
        else:
            yield component, answers_by_settings.setdefault((component.section, component.id, settings_text), {})
