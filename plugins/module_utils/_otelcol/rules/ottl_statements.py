# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the OpenTelemetry Transformation Language in settings.

Source of each: pkg/ottl of opentelemetry-collector-contrib. Outside the versions of the table, what is unknown is a
warning. Texts with `${` are not judged. Private.

A trouble is what is wrong in one text, without its path (`OttlTrouble` of languages/ottl_reading.py). With the path of
the text, and the certainty for the build, it becomes a fault.

The rules are in `RULES` at the end, those of `_REASONS` by their ids, others by their functions: see
rule_definitions.py. For example:

    processors.filter.traces.span[0]: error [ottl-name] 'name' has no keys. Write `name`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..config.component_ids import trim_id
from ..config.paths import Path
from ..errors import suggest_word
from ..languages.formats import find_request_fault
from ..languages.ottl_contexts import infer_context
from ..languages.ottl_judge import OttlJudge
from ..languages.ottl_language import ROUTE, STATEMENT
from ..languages.ottl_reading import ARGUMENT, NAME, SYNTAX, OttlTrouble, read_ottl
from ..languages.ottl_syntax import UsedNames
from .build_facts import Build, build_of
from .configured_components import ConfiguredComponent, listed_components
from .constraints import QUOTE_FIX, RuleFault
from .given_values import EXPANSION_START
from .ottl_settings import REQUEST_CONTEXT, SettingText, TextGroup, list_groups
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules, define_shared_rules
from .settings_cache import find_in_components
from .subject import Subject, once_per_subject

# The kind of rows about conditions of tail_sampling, whose faults a rule of its own reports.
_POLICY_KIND = "policy"
# What YAML makes of a text that is not in quotes.
_YAML_TYPES_IN_WORDS = {
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def sampling_condition(subject: Subject) -> Iterator[Fault]:
    """Yield conditions in tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from _find_faults_of_rule(subject, _POLICY_KIND)


def _find_faults_of_rule(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults that one rule reports."""
    for rule, fault in _find_faults_of_all_texts(subject):
        if rule == rule_id:
            yield fault


@once_per_subject
def _find_faults_of_all_texts(subject: Subject) -> Iterator[RuleFault]:
    """Yield the faults of all texts in settings."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    started = {component.id for component in listed_components(subject)}
    for component, text_trouble in find_in_components(subject, _list_troubles_in_settings):
        # The Collector reads a route only when it builds the connector for a pipeline.
        is_idle = text_trouble.is_route and trim_id(component.id) not in started
        doubt = "no pipeline uses it yet" if is_idle else _explain_doubt(text_trouble.placed_trouble.trouble, build)
        yield RuleFault(text_trouble.rule, _report_trouble(text_trouble.placed_trouble, doubt))


class _PlacedTrouble(NamedTuple):
    """What is wrong in a text, and the path of the text."""

    path: Path
    trouble: OttlTrouble


class _TextTrouble(NamedTuple):
    """A trouble with the rule that reports it."""

    rule: str
    placed_trouble: _PlacedTrouble
    is_route: bool
    """Whether the text is a route, which the Collector reads only for a pipeline."""


def _list_troubles_in_settings(build: Build, component: ConfiguredComponent) -> Iterator[_TextTrouble]:
    """Yield the troubles in the texts of a component."""
    known_type = build.find_component(component.section, component.type)
    if known_type is None:
        return
    for row in build.ottl_places.get((component.section, known_type.type), ()):
        for group in list_groups(row, component.config_path, component.settings):
            for placed_trouble in _find_troubles(build, group):
                rule = _POLICY_KIND if row["kind"] == _POLICY_KIND else placed_trouble.trouble.rule
                yield _TextTrouble(rule, placed_trouble, group.is_route)


def _explain_doubt(trouble: OttlTrouble, build: Build) -> str:
    """Return why a trouble may be none in a build; an empty text if it is certain."""
    if build.doubt or trouble.rule == SYNTAX:  # the syntax is the same in all versions, unlike names and arguments
        return build.doubt
    return build.ottl_language.describe_uncertainty(build.version)


def _report_trouble(placed_trouble: _PlacedTrouble, doubt: str) -> Fault:
    """Return a trouble as a fault: a warning if there is a doubt, or if a feature gate allows it."""
    trouble = placed_trouble.trouble
    note = f" ({doubt})" if doubt else ""
    severity = "warning" if doubt or trouble.is_gated else SEVERITY_OF_RULE
    return Fault(placed_trouble.path, f"{trouble.why}{note}", trouble.fix, severity=severity, offset=trouble.start)


class _ReadText(NamedTuple):
    """A text that is in the language, with the functions, paths and enums that it uses."""

    setting_text: SettingText
    used_names: UsedNames


def _find_troubles(build: Build, group: TextGroup) -> Iterator[_PlacedTrouble]:
    """Yield the troubles of the texts of a group: first those of syntax, then those of names in its context."""
    if group.is_mixed:
        trouble = OttlTrouble(SYNTAX, 0, "texts and groups of texts are mixed here", "Write all texts in groups.")
        yield _PlacedTrouble(group.path, trouble)
    read_texts: list[_ReadText] = []
    for text in group.texts:
        result = _parse_text(text)
        if isinstance(result, OttlTrouble):
            yield _PlacedTrouble(text.path, result)
        elif result:
            read_texts.append(_ReadText(text, result))
    yield from _find_troubles_of_names(build, group, read_texts)


def _find_troubles_of_names(build: Build, group: TextGroup, read_texts: list[_ReadText]) -> Iterator[_PlacedTrouble]:
    """Yield the troubles of texts that are in the language, by the context that is given or inferred.

    It is inferred only if all texts of the group could be read.
    """
    contexts = group.place_row["contexts"]
    if group.context in contexts:
        yield from _find_troubles_in_context(build, group, read_texts, group.context)
    elif group.context and EXPANSION_START not in group.context:
        problem = f"there is no context '{group.context}' here{suggest_word(group.context, contexts)}"
        trouble = OttlTrouble(NAME, 0, problem, f"Use one of {', '.join(contexts)}.")
        yield _PlacedTrouble((*group.path, "context"), trouble)
    elif read_texts and not group.context and len(read_texts) == len(group.texts):
        yield from _find_in_inferred_context(build, group, read_texts)


def _parse_text(text: SettingText) -> UsedNames | OttlTrouble | None:
    """Return the names that a text uses, or the trouble of a text that is not in the language.

    None if there is nothing more to check: of a text with a variable, and of a right condition on requests.
    """
    if not isinstance(text.text, str):
        return OttlTrouble(SYNTAX, 0, f"a {text.kind} is text, not {_YAML_TYPES_IN_WORDS[type(text.text)]}", QUOTE_FIX)
    if EXPANSION_START in text.text:
        return None
    if text.kind != REQUEST_CONTEXT:
        return read_ottl(text.text, text.kind == STATEMENT)
    refusal = find_request_fault(text.text)
    if not refusal:
        return None
    fix = 'Write `request["NAME"] == "VALUE"`.'
    return OttlTrouble(SYNTAX, 0, f"a condition on requests is one comparison: {refusal}", fix)


def _find_in_inferred_context(build: Build, group: TextGroup, read_texts: list[_ReadText]) -> Iterator[_PlacedTrouble]:
    """Yield the troubles in texts whose context the Collector infers.

    For a route, the Collector tries context `resource` if there are troubles in the inferred one.
    """
    kind = ROUTE if group.is_route else read_texts[0].setting_text.kind
    used_parts = [read_text.used_names for read_text in read_texts]
    context, missing_context = infer_context(build.ottl_language, kind, group.place_row["contexts"], used_parts)
    if context:
        troubles = list(_find_troubles_in_context(build, group, read_texts, context, inferred=True))
    else:
        troubles = [_report_missing_context(group, read_texts, missing_context)]
    if troubles and group.is_route:
        # Where the texts fit neither context, the troubles are those of the inferred one, which the user meant.
        troubles_in_resource = list(_find_troubles_in_context(build, group, read_texts, "resource"))
        if not context or not troubles_in_resource:
            troubles = troubles_in_resource
    yield from troubles


def _report_missing_context(group: TextGroup, read_texts: list[_ReadText], missing_context: str) -> _PlacedTrouble:
    """Return the trouble of texts whose context cannot be inferred: a path names a missing one, or none names any."""
    contexts = group.place_row["contexts"]
    for text, used in read_texts:
        for path in used.paths:
            if missing_context and path.steps[0][0] == missing_context:
                problem = f"there is no context '{missing_context}' here{suggest_word(missing_context, contexts)}"
                fix = f"Paths start with one of {', '.join(contexts)}."
                return _PlacedTrouble(text.path, OttlTrouble(NAME, path.start, problem, fix))
    text, used = read_texts[0]
    problem = "no path here names a context, so the context is unknown"
    if not used.paths:
        return _PlacedTrouble(text.path, OttlTrouble(NAME, 0, problem, f"Add `context: {contexts[0]}`."))
    first_path = used.paths[0]
    fix = f"Write `{contexts[0]}.{first_path.text}`."
    return _PlacedTrouble(text.path, OttlTrouble(NAME, first_path.start, problem, fix))


def _find_troubles_in_context(
    build: Build, group: TextGroup, read_texts: list[_ReadText], context: str, *, inferred: bool = False
) -> Iterator[_PlacedTrouble]:
    """Yield the troubles that texts have in a context, such as a path that it lacks."""
    for text, used in read_texts:
        kind = ROUTE if group.is_route else text.kind
        judge = OttlJudge(build.ottl_language, build.ottl_language.contexts[context], kind, build.version, inferred)
        for trouble in judge.find_troubles(used):
            yield _PlacedTrouble(text.path, trouble)


# The reason of each rule by its id.
_REASONS = {
    SYNTAX: "Yield statements and conditions that are not in the OpenTelemetry Transformation Language.",
    NAME: "Yield functions, contexts, paths and enums that OTTL does not have at this place.",
    ARGUMENT: "Yield arguments that a function of OTTL does not take, and regular expressions that Go refuses.",
}
RULES = (
    *define_shared_rules(_find_faults_of_rule, _REASONS),
    *define_rules("error", sampling_condition),
)
