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
from ..errors import near
from ..languages.formats import broken_request
from ..languages.ottl import (
    ARGUMENT,
    CONDITION,
    NAME,
    ROUTE,
    STATEMENT,
    SYNTAX,
    Judge,
    Trouble,
    infer_context,
    read_ottl,
)
from ..languages.ottl_syntax import Used
from .build_facts import Build, build_of
from .configured_components import listed_components
from .constraints import EXPANDED, QUOTES, key_steps
from .remembered_settings import remembered_by_settings
from .subject import Fault, Subject, once, rules, shared_rules

_POLICY = "policy"
_REQUEST = "request"
_KINDS = {
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class Text(NamedTuple):
    """A text in settings: where it stands, what it is, and whether it is a statement or a condition.

    What YAML makes a number, a list or a mapping stands here too: the Collector refuses it.
    """

    path: Path
    text: Any
    kind: str


class Group(NamedTuple):
    """Texts that share a context: their place in the table, the context if given, whether groups are between."""

    path: Path
    place: Row
    context: str
    texts: list[Text]
    is_mixed: bool = False

    @property
    def is_route(self) -> bool:
        """Whether the texts are a route of connector routing, which has rules of its own."""
        return bool(self.place["kind"] == ROUTE)


class ReadText(NamedTuple):
    """A text that is in the language, with what it uses of it."""

    text: Text
    used: Used


class TextTrouble(NamedTuple):
    """A trouble in a text, the id of its rule, and whether the Collector reads the text only for a pipeline."""

    rule: str
    path: Path
    trouble: Trouble
    is_route: bool


PlacedTroubles = Iterator[tuple[Path, Trouble]]


def sampling_condition(subject: Subject) -> Iterator[Fault]:
    """Yield conditions in tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from _faults_of_rule(subject, _POLICY)


def _faults_of_rule(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults that one rule reports."""
    for rule, fault in _faults(subject):
        if rule == rule_id:
            yield fault


@once
def _faults(subject: Subject) -> Iterator[tuple[str, Fault]]:
    """Yield the faults of all texts in settings, each with the id of the rule that reports it."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    started = {component.id for component in listed_components(subject)}
    for (_section, component_id), found in _troubles_of_settings(subject):
        is_idle = found.is_route and component_id not in started
        doubt = "no pipeline uses it yet" if is_idle else _doubt_about(found.trouble, build)
        yield found.rule, _fault(found.path, found.trouble, doubt)


@remembered_by_settings
def _troubles_of_settings(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[TextTrouble]:
    """Yield the troubles in the texts of a component."""
    component = build.find(section, kind)
    if component is None:
        return
    for row in build.ottl_places.get((section, component.type), ()):
        for group in _groups(row, (section, component_id), settings):
            for path, trouble in _troubles(build, group):
                rule = _POLICY if row["kind"] == _POLICY else trouble.rule
                yield TextTrouble(rule, path, trouble, group.is_route)


def _doubt_about(trouble: Trouble, build: Build) -> str:
    """Return why a trouble may be none in a build; empty text if it is certain."""
    if build.doubt or trouble.rule == SYNTAX:
        return build.doubt
    return build.ottl.hedge(build.version)


def _fault(path: Path, trouble: Trouble, doubt: str) -> Fault:
    """Return a trouble as a fault, as severe as it is certain."""
    note = f" ({doubt})" if doubt else ""
    severity = "warning" if doubt or trouble.gated else ""
    return Fault(path, f"{trouble.why}{note}", trouble.fix, severity=severity, offset=trouble.start)


def _groups(row: Row, component: Path, settings: Any) -> Iterator[Group]:
    """Yield the texts of a place in the table: one in a list, a list of texts or of groups, or a row of a table."""
    _section, _kind, place = row["place"].split(".", 2)
    if row["kind"] not in (ROUTE, STATEMENT, CONDITION):
        yield from _groups_of_fixed_context(row, component, settings)
        return
    for path, value in walk_pattern(settings, key_steps(place), component):
        if row["kind"] == ROUTE:
            yield from _route_group(row, path, value)
        elif isinstance(value, list):
            yield from _groups_of_list(row, path, value)


def _groups_of_fixed_context(row: Row, component: Path, settings: Any) -> Iterator[Group]:
    """Yield the texts of a place whose context is always the same; setting_fields.py reports what is no text."""
    _section, _kind, place = row["place"].split(".", 2)
    for path, value in walk_pattern(settings, key_steps(place.removesuffix(".*")), component):
        texts = [text for text in _texts(value, CONDITION, path) if isinstance(text.text, (str, type(None)))]
        yield Group(path, row, row["contexts"][0], texts)


def _groups_of_list(row: Row, path: Path, values: list[Any]) -> Iterator[Group]:
    """Yield the groups of a list: all of it if it begins with a text, else one for each item."""
    if values and isinstance(values[0], str):
        texts = [text for text in _texts(values, row["kind"], path) if not isinstance(text.text, dict)]
        is_mixed = any(isinstance(value, dict) for value in values)
        yield Group(path, row, "", texts, is_mixed)
        return
    for index, value in enumerate(values):
        yield _group_of(row, (*path, index), value)


def _group_of(row: Row, path: Path, group: Any) -> Group:
    """Return a group of statements and conditions, which may name their context; anything else is one wrong text."""
    if not isinstance(group, dict):
        return Group(path[:-1], row, "", [Text(path, group, row["kind"])])
    texts: list[Text] = []
    for kind in dict.fromkeys((row["kind"], CONDITION)):
        texts += _texts(group.get(f"{kind}s"), kind, (*path, f"{kind}s"))
    context = group.get("context") or ""
    return Group(path, row, context.lower() if isinstance(context, str) else EXPANDED, texts)


def _route_group(row: Row, path: Path, route: Any) -> Iterator[Group]:
    """Yield the texts of a route; a condition on requests has a grammar of its own, and needs no pipeline."""
    if not isinstance(route, dict):
        return
    texts: list[Text] = []
    for kind in (STATEMENT, CONDITION):
        text = route.get(kind)
        if isinstance(text, str) and text:
            texts.append(Text((*path, kind), text, kind))
    context = route.get("context") or ""
    if context == _REQUEST:
        conditions = [text._replace(kind=_REQUEST) for text in texts if text.kind == CONDITION]
        yield Group(path, {**row, "kind": _REQUEST}, "", conditions)
    else:
        yield Group(path, row, context if isinstance(context, str) else EXPANDED, texts)


def _texts(values: Any, kind: str, path: Path) -> list[Text]:
    """Return the texts of a list; a text in its place is read as the decoder reads it."""
    if isinstance(values, str) and values:
        parts = [values] if EXPANDED in values else values.split(",")
        return [Text(path, part, kind) for part in parts]
    if not isinstance(values, list):
        return []
    return [Text((*path, index), value, kind) for index, value in enumerate(values)]


def _troubles(build: Build, group: Group) -> PlacedTroubles:
    """Yield the troubles of the texts of a group, with the paths of the texts."""
    if group.is_mixed:
        yield group.path, Trouble(SYNTAX, 0, "texts and groups of texts are mixed here", "Write all texts in groups.")
    read_texts: list[ReadText] = []
    for text in group.texts:
        result = _read_text(text)
        if isinstance(result, Trouble):
            yield text.path, result
        elif result:
            read_texts.append(ReadText(text, result))
    yield from _troubles_of_paths(build, group, read_texts)


def _troubles_of_paths(build: Build, group: Group, read_texts: list[ReadText]) -> PlacedTroubles:
    """Yield the troubles of texts that are in the language, by the context that is given or inferred."""
    contexts = group.place["contexts"]
    if group.context in contexts:
        yield from _troubles_in_context(build, group, read_texts, group.context)
    elif group.context and EXPANDED not in group.context:
        why = f"there is no context '{group.context}' here{near(group.context, contexts)}"
        yield (*group.path, "context"), Trouble(NAME, 0, why, f"Use one of {', '.join(contexts)}.")
    elif read_texts and not group.context and len(read_texts) == len(group.texts):
        yield from _troubles_in_inferred_context(build, group, read_texts)


def _read_text(text: Text) -> Used | Trouble | None:
    """Return what a text uses of the language, or why it is not in it; None if that is not known, or is no trouble."""
    if not isinstance(text.text, str):
        return Trouble(SYNTAX, 0, f"a {text.kind} is text, not {_KINDS[type(text.text)]}", QUOTES)
    if EXPANDED in text.text:
        return None
    if text.kind != _REQUEST:
        return read_ottl(text.text, text.kind == STATEMENT)
    why = broken_request(text.text)
    if not why:
        return None
    fix = 'Write `request["NAME"] == "VALUE"`.'
    return Trouble(SYNTAX, 0, f"a condition on requests is one comparison: {why}", fix)


def _troubles_in_inferred_context(build: Build, group: Group, read_texts: list[ReadText]) -> PlacedTroubles:
    """Yield the troubles in texts whose context the Collector infers; a route has context `resource` if that fails."""
    kind = ROUTE if group.is_route else read_texts[0].text.kind
    used = [read_text.used for read_text in read_texts]
    context, missing = infer_context(build.ottl, kind, group.place["contexts"], used)
    if context:
        troubles = list(_troubles_in_context(build, group, read_texts, context, inferred=True))
    else:
        troubles = [_no_context(group, read_texts, missing)]
    if troubles and group.is_route:
        troubles_in_resource = list(_troubles_in_context(build, group, read_texts, "resource"))
        if not context or not troubles_in_resource:
            troubles = troubles_in_resource
    yield from troubles


def _no_context(group: Group, read_texts: list[ReadText], missing: str) -> tuple[Path, Trouble]:
    """Return the trouble of texts whose context cannot be inferred: a path names a missing one, or none names any."""
    contexts = group.place["contexts"]
    for text, used in read_texts:
        for path in used.paths:
            if missing and path.steps[0][0] == missing:
                why = f"there is no context '{missing}' here{near(missing, contexts)}"
                return text.path, Trouble(NAME, path.start, why, f"Paths start with one of {', '.join(contexts)}.")
    text, used = read_texts[0]
    why = "no path here names a context, so the context is unknown"
    if not used.paths:
        return text.path, Trouble(NAME, 0, why, f"Add `context: {contexts[0]}`.")
    first_path = used.paths[0]
    return text.path, Trouble(NAME, first_path.start, why, f"Write `{contexts[0]}.{first_path.text}`.")


def _troubles_in_context(
    build: Build, group: Group, read_texts: list[ReadText], context: str, *, inferred: bool = False
) -> PlacedTroubles:
    """Yield the troubles that texts have in a context."""
    for text, used in read_texts:
        kind = ROUTE if group.is_route else text.kind
        judge = Judge(build.ottl, build.ottl.contexts[context], kind, build.version, inferred)
        for trouble in judge.troubles(used):
            yield text.path, trouble


_REASONS = {
    SYNTAX: "Yield statements and conditions that are not in the OpenTelemetry Transformation Language.",
    NAME: "Yield functions, contexts, paths and enums that OTTL does not have at this place.",
    ARGUMENT: "Yield arguments that a function of OTTL does not take, and regular expressions that Go refuses.",
}
RULES = (
    *shared_rules(_faults_of_rule, _REASONS),
    *rules("error", sampling_condition),
)
