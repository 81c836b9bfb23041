# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of what rules find in the settings of a component, for the next config with the same settings. Private.

Configs of one run often have the same components, and a walk through settings takes most of the time of a run. So a
rule has a function that looks at one component, and asks the cache for its answers about all components, as
setting_fields.py does:

    def _list_refusals(build: Build, component: ConfiguredComponent) -> Iterator[_Refusal]: …

    for component, refusal in find_in_components(subject, _list_refusals):
        yield …

The cache is kept with the build (build_facts.py), since the answers are about the components of the build. In it, the
answers on exporter `debug` with the setting `verbosity` are found by these two keys:

    ("exporters", "debug", "{'verbosity': 'basic'}")    →    _list_refusals    →    a tuple of refusals
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from ..config.paths import value_at
from ..errors import may_suggest
from .build_facts import AnswersByFunction, AnswersBySettings, Build, build_of
from .configured_components import TELEMETRY, ConfiguredComponent, configured_components
from .subject import Subject, once_per_subject

# The characters of settings that are cached at most, since they are part of a key of the cache.
_LONGEST_SETTINGS = 4096
# When the cache has as many settings, it is emptied.
_MOST_CACHED_SETTINGS = 4096
_Answer = TypeVar("_Answer")


class AnswerOnComponent(NamedTuple, Generic[_Answer]):
    """Something that a function found in the settings of a component."""

    component: ConfiguredComponent
    answer: _Answer


class _ComponentInCache(NamedTuple):
    """A component of a config, and the part of the cache for its settings."""

    component: ConfiguredComponent
    answers_by_function: AnswersByFunction
    """What functions have found in these settings until now. `find_in_components` adds the answers of one more."""


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
    for component, answers_by_function in _list_components_in_cache(subject):
        answers = answers_by_function.get(find_answers)
        if answers is None:
            answers = tuple(find_answers(build, component))
            if may_suggest():  # without suggestions the answers are not those of the next config
                answers_by_function[find_answers] = answers
        for answer in answers:
            yield AnswerOnComponent(component, answer)


@once_per_subject
def _list_components_in_cache(subject: Subject) -> Iterator[_ComponentInCache]:
    """Yield every component of a config that has a known build. All rules on the config share these rows."""
    if subject.target is None:
        return
    cache = build_of(subject.target).cached_answers
    section, name = TELEMETRY
    telemetry_settings = value_at(subject.config, TELEMETRY)
    telemetry = ConfiguredComponent(section=section, id=name, type=name, settings=telemetry_settings)
    for component in (*configured_components(subject), telemetry):
        yield _ComponentInCache(component, _find_part_of_cache(cache, component))


def _find_part_of_cache(cache: AnswersBySettings, component: ConfiguredComponent) -> AnswersByFunction:
    """Return the part of the cache for the settings of a component; a new one if the cache has none yet."""
    settings_text = repr(component.settings)  # unlike a mapping, a text can be a key; it tells 1 from true
    if len(settings_text) > _LONGEST_SETTINGS:
        return {}  # for the rules on this config alone
    if len(cache) >= _MOST_CACHED_SETTINGS:
        cache.clear()  # parts that were returned before stay with their configs
    return cache.setdefault((component.section, component.id, settings_text), {})
