# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers what rules find in the settings of a component, for the next config with the same settings. Private.

Configs of one run often have the same components, and a walk through settings takes most of the time of a run. The
decorator `remembered_by_settings` is for a function that looks at one component; the rules get a function that looks at
all components of a config. The answers are kept with the build, since they are about its components.
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

# Settings with more characters are not remembered, and not more settings than these.
_LONGEST_SETTINGS, _MOST_REMEMBERED = 4096, 4096
_Answer = TypeVar("_Answer")
_ComponentPath = tuple[str, str]  # section and id
_AnswersByFunction = dict[Any, Any]  # what each decorated function found in some settings


def remembered_by_settings(
    find: Callable[[Build, str, str, str, Any], Iterable[_Answer]],
) -> Callable[[Subject], Iterator[tuple[_ComponentPath, _Answer]]]:
    """Return a function that yields the results of `find` for each component of a subject, with the component's path.

    `find` gets the build, and the section, the id, the type and the settings of a component. What it finds must follow
    from these alone, because it is called once for equal settings of all configs.
    """

    @wraps(find)
    def find_or_recall(subject: Subject) -> Iterator[tuple[_ComponentPath, _Answer]]:
        if subject.target is None:
            return
        build = build_of(subject.target)
        for component, known_answers in _list_with_known_answers(subject):
            answers = known_answers.get(find)
            if answers is None:
                answers = tuple(find(build, component.section, component.id, component.kind, component.settings))
                if may_suggest():  # without suggestions the answers are not those of the next config
                    known_answers[find] = answers
            for answer in answers:
                yield component.config_path, answer

    return find_or_recall


@once_per_subject
def _list_with_known_answers(subject: Subject) -> Iterator[tuple[ConfiguredComponent, _AnswersByFunction]]:
    """Yield every component with the answers that are known for its settings, a mapping that takes new answers.

    `service.telemetry` counts as a component.
    """
    if subject.target is None:
        return
    answers_by_settings = build_of(subject.target).remembered_answers
    section, name = TELEMETRY
    telemetry = ConfiguredComponent(section, name, name, value_at(subject.config, TELEMETRY))
    for component in (*configured_components(subject), telemetry):
        settings_text = repr(component.settings)
        if len(answers_by_settings) >= _MOST_REMEMBERED:
            answers_by_settings.clear()
        if len(settings_text) > _LONGEST_SETTINGS:
            yield component, {}
        else:
            yield component, answers_by_settings.setdefault((component.section, component.id, settings_text), {})
