# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the OpenTelemetry Transformation Language in settings.

Source of each: pkg/ottl of opentelemetry-collector-contrib. Outside the versions of the table, what is unknown is a
warning. Texts with `${` are not judged. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.reference_keys import walk_pattern
from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import suggest_word
from ..languages.formats import find_request_fault
from ..languages.ottl_contexts import infer_context
from ..languages.ottl_judge import OttlJudge
from ..languages.ottl_language import CONDITION, ROUTE, STATEMENT
from ..languages.ottl_reading import ARGUMENT, NAME, SYNTAX, OttlTrouble, read_ottl
from ..languages.ottl_syntax import UsedNames
from .build_facts import Build, build_of
from .configured_components import listed_components
from .constraints import EXPANSION_START, QUOTE_FIX, split_key
from .remembered_settings import remembered_by_settings
from .subject import Fault, Subject, define_rules, define_shared_rules, once_per_subject

_POLICY_KIND = "policy"
_REQUEST_CONTEXT = "request"
_YAML_TYPES_IN_WORDS = {
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class SettingText(NamedTuple):
    """A text in settings: where it stands, what it is, and whether it is a statement or a condition.

    What YAML makes a number, a list or a mapping stands here too: the Collector refuses it.
    """

    path: Path
    text: Any
    kind: str


class TextGroup(NamedTuple):
    """Texts that share a context.

    `place_row` is the row of the table about their setting. `context` is the one that the user gives: empty if it is
    to be inferred, and `EXPANSION_START` if a variable decides. With `is_mixed`, groups stand between the texts.
    """

    path: Path
    place_row: Row
    context: str
    texts: list[SettingText]
    is_mixed: bool = False

    @property
    def is_route(self) -> bool:
        """Whether the texts are a route of connector routing, which has rules of its own."""
        return bool(self.place_row["kind"] == ROUTE)


class ReadText(NamedTuple):
    """A text that is in the language, with what it uses of it."""

    setting_text: SettingText
    used_names: UsedNames


class TextTrouble(NamedTuple):
    """A trouble in a text, the id of its rule, and whether the Collector reads the text only for a pipeline."""

    rule: str
    path: Path
    trouble: OttlTrouble
    is_route: bool


PlacedTroubles = Iterator[tuple[Path, OttlTrouble]]


def sampling_condition(subject: Subject) -> Iterator[Fault]:
    """Yield conditions in tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from _find_faults_of_rule(subject, _POLICY_KIND)


def _find_faults_of_rule(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults that one rule reports."""
    for rule, fault in _find_faults_of_all_texts(subject):
        if rule == rule_id:
            yield fault


@once_per_subject
def _find_faults_of_all_texts(subject: Subject) -> Iterator[tuple[str, Fault]]:
    """Yield the faults of all texts in settings, each with the id of the rule that reports it."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    started = {component.id for component in listed_components(subject)}
    for (_section, component_id), text_trouble in _find_troubles_in_settings(subject):
        is_idle = text_trouble.is_route and component_id not in started
        trouble_doubt = "no pipeline uses it yet" if is_idle else _explain_doubt(text_trouble.trouble, build)
        yield text_trouble.rule, _report_trouble(text_trouble.path, text_trouble.trouble, trouble_doubt)


@remembered_by_settings
def _find_troubles_in_settings(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[TextTrouble]:
    """Yield the troubles in the texts of a component."""
    component = build.find_component(section, kind)
    if component is None:
        return
    for row in build.ottl_places.get((section, component.type), ()):
        for group in _list_groups(row, (section, component_id), settings):
            for path, trouble in _find_troubles(build, group):
                rule = _POLICY_KIND if row["kind"] == _POLICY_KIND else trouble.rule
                yield TextTrouble(rule, path, trouble, group.is_route)


def _explain_doubt(trouble: OttlTrouble, build: Build) -> str:
    """Return why a trouble may be none in a build; empty text if it is certain."""
    if build.doubt or trouble.rule == SYNTAX:
        return build.doubt
    return build.ottl_language.describe_uncertainty(build.version)


def _report_trouble(path: Path, trouble: OttlTrouble, doubt: str) -> Fault:
    """Return a trouble as a fault, as severe as it is certain."""
    note = f" ({doubt})" if doubt else ""
    severity = "warning" if doubt or trouble.is_gated else ""
    return Fault(path, f"{trouble.why}{note}", trouble.fix, severity=severity, offset=trouble.start)


def _list_groups(row: Row, component: Path, settings: Any) -> Iterator[TextGroup]:
    """Yield the texts of a place in the table: one in a list, a list of texts or of groups, or a row of a table."""
    _section, _kind, place = row["place"].split(".", 2)
    if row["kind"] not in (ROUTE, STATEMENT, CONDITION):
        yield from _list_groups_of_fixed_context(row, component, settings)
        return
    for path, value in walk_pattern(settings, split_key(place), component):
        if row["kind"] == ROUTE:
            yield from _read_route_group(row, path, value)
        elif isinstance(value, list):
            yield from _list_groups_of_list(row, path, value)


def _list_groups_of_fixed_context(row: Row, component: Path, settings: Any) -> Iterator[TextGroup]:
    """Yield the texts of a place whose context is always the same; setting_fields.py reports what is no text."""
    _section, _kind, place = row["place"].split(".", 2)
    for path, value in walk_pattern(settings, split_key(place.removesuffix(".*")), component):
        texts = [text for text in _read_texts(value, CONDITION, path) if isinstance(text.text, (str, type(None)))]
        yield TextGroup(path, row, row["contexts"][0], texts)


def _list_groups_of_list(row: Row, path: Path, values: list[Any]) -> Iterator[TextGroup]:
    """Yield the groups of a list: all of it if it begins with a text, else one for each item."""
    if values and isinstance(values[0], str):
        texts = [text for text in _read_texts(values, row["kind"], path) if not isinstance(text.text, dict)]
        is_mixed = any(isinstance(value, dict) for value in values)
        yield TextGroup(path, row, "", texts, is_mixed)
        return
    for index, value in enumerate(values):
        yield _read_group(row, (*path, index), value)


def _read_group(row: Row, path: Path, group_settings: Any) -> TextGroup:
    """Return a group of statements and conditions, which may name their context; anything else is one wrong text."""
    if not isinstance(group_settings, dict):
        return TextGroup(path[:-1], row, "", [SettingText(path, group_settings, row["kind"])])
    texts: list[SettingText] = []
    for kind in dict.fromkeys((row["kind"], CONDITION)):
        texts += _read_texts(group_settings.get(f"{kind}s"), kind, (*path, f"{kind}s"))
    context = group_settings.get("context") or ""
    return TextGroup(path, row, context.lower() if isinstance(context, str) else EXPANSION_START, texts)


def _read_route_group(row: Row, path: Path, route: Any) -> Iterator[TextGroup]:
    """Yield the texts of a route; a condition on requests has a grammar of its own, and needs no pipeline."""
    if not isinstance(route, dict):
        return
    texts: list[SettingText] = []
    for kind in (STATEMENT, CONDITION):
        text = route.get(kind)
        if isinstance(text, str) and text:
            texts.append(SettingText((*path, kind), text, kind))
    context = route.get("context") or ""
    if context == _REQUEST_CONTEXT:
        conditions = [text._replace(kind=_REQUEST_CONTEXT) for text in texts if text.kind == CONDITION]
        yield TextGroup(path, {**row, "kind": _REQUEST_CONTEXT}, "", conditions)
    else:
        yield TextGroup(path, row, context if isinstance(context, str) else EXPANSION_START, texts)


def _read_texts(values: Any, kind: str, path: Path) -> list[SettingText]:
    """Return the texts of a list; a text in its place is read as the decoder reads it."""
    if isinstance(values, str) and values:
        text_parts = [values] if EXPANSION_START in values else values.split(",")
        return [SettingText(path, part, kind) for part in text_parts]
    if not isinstance(values, list):
        return []
    return [SettingText((*path, index), value, kind) for index, value in enumerate(values)]


def _find_troubles(build: Build, group: TextGroup) -> PlacedTroubles:
    """Yield the troubles of the texts of a group, with the paths of the texts."""
    if group.is_mixed:
        yield (
            group.path,
            OttlTrouble(SYNTAX, 0, "texts and groups of texts are mixed here", "Write all texts in groups."),
        )
    read_texts: list[ReadText] = []
    for text in group.texts:
        result = _parse_text(text)
        if isinstance(result, OttlTrouble):
            yield text.path, result
        elif result:
            read_texts.append(ReadText(text, result))
    yield from _find_troubles_of_paths(build, group, read_texts)


def _find_troubles_of_paths(build: Build, group: TextGroup, read_texts: list[ReadText]) -> PlacedTroubles:
    """Yield the troubles of texts that are in the language, by the context that is given or inferred."""
    contexts = group.place_row["contexts"]
    if group.context in contexts:
        yield from _find_troubles_in_context(build, group, read_texts, group.context)
    elif group.context and EXPANSION_START not in group.context:
        problem = f"there is no context '{group.context}' here{suggest_word(group.context, contexts)}"
        yield (*group.path, "context"), OttlTrouble(NAME, 0, problem, f"Use one of {', '.join(contexts)}.")
    elif read_texts and not group.context and len(read_texts) == len(group.texts):
        yield from _find_in_inferred_context(build, group, read_texts)


def _parse_text(text: SettingText) -> UsedNames | OttlTrouble | None:
    """Return what a text uses of the language, or the trouble of a text that is not in it.

    None if that is not known, as for a text with a variable, and for a right condition on requests, which has a grammar
    of its own.
    """
    if not isinstance(text.text, str):
        return OttlTrouble(SYNTAX, 0, f"a {text.kind} is text, not {_YAML_TYPES_IN_WORDS[type(text.text)]}", QUOTE_FIX)
    if EXPANSION_START in text.text:
        return None
    if text.kind != _REQUEST_CONTEXT:
        return read_ottl(text.text, text.kind == STATEMENT)
    refusal = find_request_fault(text.text)
    if not refusal:
        return None
    fix = 'Write `request["NAME"] == "VALUE"`.'
    return OttlTrouble(SYNTAX, 0, f"a condition on requests is one comparison: {refusal}", fix)


def _find_in_inferred_context(build: Build, group: TextGroup, read_texts: list[ReadText]) -> PlacedTroubles:
    """Yield the troubles in texts whose context the Collector infers; a route has context `resource` if that fails."""
    kind = ROUTE if group.is_route else read_texts[0].setting_text.kind
    used_parts = [read_text.used_names for read_text in read_texts]
    context, missing_context = infer_context(build.ottl_language, kind, group.place_row["contexts"], used_parts)
    if context:
        troubles = list(_find_troubles_in_context(build, group, read_texts, context, inferred=True))
    else:
        troubles = [_report_missing_context(group, read_texts, missing_context)]
    if troubles and group.is_route:
        troubles_in_resource = list(_find_troubles_in_context(build, group, read_texts, "resource"))
        if not context or not troubles_in_resource:
            troubles = troubles_in_resource
    yield from troubles


def _report_missing_context(
    group: TextGroup, read_texts: list[ReadText], missing_context: str
) -> tuple[Path, OttlTrouble]:
    """Return the trouble of texts whose context cannot be inferred: a path names a missing one, or none names any."""
    contexts = group.place_row["contexts"]
    for text, used in read_texts:
        for path in used.paths:
            if missing_context and path.steps[0][0] == missing_context:
                problem = f"there is no context '{missing_context}' here{suggest_word(missing_context, contexts)}"
                return text.path, OttlTrouble(
                    NAME, path.start, problem, f"Paths start with one of {', '.join(contexts)}."
                )
    text, used = read_texts[0]
    problem = "no path here names a context, so the context is unknown"
    if not used.paths:
        return text.path, OttlTrouble(NAME, 0, problem, f"Add `context: {contexts[0]}`.")
    first_path = used.paths[0]
    return text.path, OttlTrouble(NAME, first_path.start, problem, f"Write `{contexts[0]}.{first_path.text}`.")


def _find_troubles_in_context(
    build: Build, group: TextGroup, read_texts: list[ReadText], context: str, *, inferred: bool = False
) -> PlacedTroubles:
    """Yield the troubles that texts have in a context."""
    for text, used in read_texts:
        kind = ROUTE if group.is_route else text.kind
        judge = OttlJudge(build.ottl_language, build.ottl_language.contexts[context], kind, build.version, inferred)
        for trouble in judge.find_troubles(used):
            yield text.path, trouble


_REASONS = {
    SYNTAX: "Yield statements and conditions that are not in the OpenTelemetry Transformation Language.",
    NAME: "Yield functions, contexts, paths and enums that OTTL does not have at this place.",
    ARGUMENT: "Yield arguments that a function of OTTL does not take, and regular expressions that Go refuses.",
}
RULES = (
    *define_shared_rules(_find_faults_of_rule, _REASONS),
    *define_rules("error", sampling_condition),
)
