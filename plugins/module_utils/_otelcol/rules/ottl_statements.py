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
    Language,
    Trouble,
    infer_context,
    read_ottl,
)
from ..languages.ottl_syntax import Used
from .components import listed_components, remembered_by_settings
from .constraints import QUOTES, key_steps
from .setting_fields import EXPANDED
from .subject import Fault, Subject, once, rules, shared_rules
from .view import Build, build_of

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
Found = Iterator[tuple[Path, Trouble]]


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
    mixed: bool = False


def sampling_condition(subject: Subject) -> Iterator[Fault]:
    """Yield conditions in tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from (fault for rule, fault in _judge(subject) if rule == _POLICY)


def _of_rule(subject: Subject, rule_id: str) -> Iterator[Fault]:
    yield from (fault for rule, fault in _judge(subject) if rule == rule_id)


@once
def _judge(subject: Subject) -> Iterator[tuple[str, Fault]]:
    if subject.target is None:
        return
    build = build_of(subject.target)
    started = {item for _path, _signal, _role, item in listed_components(subject)}
    for (_name, component_id), (rule, path, trouble, is_route) in _of_settings(subject):
        idle = "no pipeline uses it yet" if is_route and component_id not in started else ""
        yield rule, _fault(path, trouble, build, idle)


@remembered_by_settings
def _of_settings(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[tuple[str, Path, Trouble, bool]]:
    """Yield rule, path and trouble of texts, and whether the Collector reads them only for a pipeline."""
    found = build.find(section, kind)
    for row in build.ottl_places.get((section, found.type), ()) if found else ():
        for group in _groups(row, (section, component_id), settings):
            for path, trouble in _troubles(build.ottl, group, build.version):
                rule = _POLICY if row["kind"] == _POLICY else trouble.rule
                yield rule, path, trouble, group.place["kind"] == ROUTE


def _fault(path: Path, trouble: Trouble, build: Build, idle: str) -> Fault:
    doubt = idle or build.doubt or ("" if trouble.rule == SYNTAX else build.ottl.hedge(build.version))
    note = f" ({doubt})" if doubt else ""
    severity = "warning" if doubt or trouble.gated else ""
    return Fault(path, f"{trouble.why}{note}", trouble.fix, severity=severity, offset=trouble.start)


def _groups(row: Row, component: Path, settings: Any) -> Iterator[Group]:
    """Yield the texts of a place in the table: one in a list, a list of texts or of groups, or a row of a table."""
    _section, _kind, place = row["place"].split(".", 2)
    fixed = row["kind"] not in (ROUTE, STATEMENT, CONDITION)
    for path, value in walk_pattern(settings, key_steps(place.removesuffix(".*") if fixed else place), component):
        if fixed:
            texts = [text for text in _texts(value, CONDITION, path) if isinstance(text.text, (str, type(None)))]
            yield Group(path, row, row["contexts"][0], texts)  # setting_fields.py reports other types
        elif row["kind"] == ROUTE:
            yield from _route(row, path, value)
        elif isinstance(value, list) and isinstance(next(iter(value), None), str):
            mixed = any(isinstance(item, dict) for item in value)
            texts = [text for text in _texts(value, row["kind"], path) if not isinstance(text.text, dict)]
            yield Group(path, row, "", texts, mixed)
        else:
            for index, item in enumerate(value if isinstance(value, list) else ()):
                yield from _grouped(row, (*path, index), item)


def _grouped(row: Row, path: Path, group: Any) -> Iterator[Group]:
    if not isinstance(group, dict):
        yield Group(path[:-1], row, "", [Text(path, group, row["kind"])])
        return
    context = group.get("context") or ""
    texts = [
        text
        for kind in dict.fromkeys((row["kind"], CONDITION))
        for text in _texts(group.get(f"{kind}s"), kind, (*path, f"{kind}s"))
    ]
    yield Group(path, row, context.lower() if isinstance(context, str) else EXPANDED, texts)


def _route(row: Row, path: Path, value: Any) -> Iterator[Group]:
    if not isinstance(value, dict):
        return
    context = value.get("context") or ""
    texts = [(key, value[key]) for key in (STATEMENT, CONDITION) if isinstance(value.get(key), str) and value[key]]
    if context == _REQUEST:  # the condition has a grammar of its own, and is validated without a pipeline
        condition = [Text((*path, key), text, _REQUEST) for key, text in texts if key == CONDITION]
        yield Group(path, {**row, "kind": _REQUEST}, "", condition)
        return
    given = context if isinstance(context, str) else EXPANDED
    yield Group(path, row, given, [Text((*path, key), text, key) for key, text in texts])


def _texts(values: Any, kind: str, path: Path) -> list[Text]:
    if isinstance(values, str) and values:  # as the decoder reads text for a list
        return [Text(path, part, kind) for part in (values.split(",") if EXPANDED not in values else [values])]
    return [Text((*path, index), value, kind) for index, value in enumerate(values if isinstance(values, list) else ())]


def _troubles(language: Language, group: Group, version: str) -> Iterator[tuple[Path, Trouble]]:
    """Yield the troubles of the texts of a group, with the paths of the texts."""
    used: list[tuple[Text, Used]] = []
    if group.mixed:
        yield group.path, Trouble(SYNTAX, 0, "texts and groups of texts are mixed here", "Write all texts in groups.")
    for text in group.texts:
        found = _read(text)
        if isinstance(found, Trouble):
            yield text.path, found
        elif found:
            used.append((text, found))
    if group.context in group.place["contexts"]:
        yield from _in_context(language, group, used, group.context, version)
    elif group.context and EXPANDED not in group.context:
        why = f"there is no context '{group.context}' here{near(group.context, group.place['contexts'])}"
        yield (*group.path, "context"), Trouble(NAME, 0, why, f"Use one of {', '.join(group.place['contexts'])}.")
    elif used and not group.context and len(used) == len(group.texts):
        yield from _inferred(language, group, used, version)


def _read(text: Text) -> Used | Trouble | None:
    if not isinstance(text.text, str):
        return Trouble(SYNTAX, 0, f"a {text.kind} is text, not {_KINDS[type(text.text)]}", QUOTES)
    if EXPANDED in text.text:
        return None
    if text.kind != _REQUEST:
        return read_ottl(text.text, text.kind == STATEMENT)
    why = broken_request(text.text)
    fix = 'Write `request["NAME"] == "VALUE"`.'
    return Trouble(SYNTAX, 0, f"a condition on requests is one comparison: {why}", fix) if why else None


def _inferred(language: Language, group: Group, used: list[tuple[Text, Used]], version: str) -> Found:
    """Yield the troubles in texts whose context the Collector infers; a route has context `resource` if that fails."""
    kind = ROUTE if group.place["kind"] == ROUTE else used[0][0].kind
    context, missing = infer_context(language, kind, group.place["contexts"], [one for _text, one in used])
    found: list[tuple[Path, Trouble]]
    if context:
        found = list(_in_context(language, group, used, context, version, inferred=True))
    else:
        found = [_no_context(group, used, missing)]
    if found and group.place["kind"] == ROUTE:
        other = list(_in_context(language, group, used, "resource", version))
        found = other if not other or not context else found
    yield from found


def _no_context(group: Group, used: list[tuple[Text, Used]], missing: str) -> tuple[Path, Trouble]:
    contexts = group.place["contexts"]
    for text, one in used:
        for path in one.paths:
            if path.steps[0][0] == missing and missing:
                why = f"there is no context '{missing}' here{near(missing, contexts)}"
                return text.path, Trouble(NAME, path.start, why, f"Paths start with one of {', '.join(contexts)}.")
    text, one = used[0]
    start = one.paths[0].start if one.paths else 0
    fix = f"Write `{contexts[0]}.{one.paths[0].text}`." if one.paths else f"Add `context: {contexts[0]}`."
    return text.path, Trouble(NAME, start, "no path here names a context, so the context is unknown", fix)


def _in_context(
    language: Language,
    group: Group,
    used: list[tuple[Text, Used]],
    context: str,
    version: str,
    *,
    inferred: bool = False,
) -> Found:
    for text, one in used:
        kind = ROUTE if group.place["kind"] == ROUTE else text.kind
        judge = Judge(language, language.contexts[context], kind, version, inferred)
        yield from ((text.path, trouble) for trouble in judge.troubles(one))


_REASONS = {
    SYNTAX: "Yield statements and conditions that are not in the OpenTelemetry Transformation Language.",
    NAME: "Yield functions, contexts, paths and enums that OTTL does not have at this place.",
    ARGUMENT: "Yield arguments that a function of OTTL does not take, and regular expressions that Go refuses.",
}
RULES = (
    *shared_rules(_of_rule, _REASONS),
    *rules("error", sampling_condition),
)
