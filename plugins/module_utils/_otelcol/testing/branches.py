# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a config may do with a record or not: its statements, conditions, sampling policies and routes.

Each is asked with settings of its component: a record takes it if these settings make something else of the records
than other settings, or than nothing. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.paths import Path, at, items, leaves, mappings, section
from ..config.pipelines import PipelineGraph
from ..languages.ottl import CONDITION, STATEMENT, Language, infer_context, read_ottl
from ..languages.ottl_syntax import PATH, Invalid, Used, tokens_of
from ..traits import CONNECTORS, Trait, kind_of, types_that

Settings = Mapping[str, Any]
ENTERS, NOTHING = "what enters", "nothing"
"""What is compared with: the records before the component, or none."""
TAKEN, OTHERS = "taken", "others"
"""Pipelines of a connector's settings: the one that a record takes, and all others."""
MARK = "o11y.test.taken"
ANY_SIGNAL = ("traces", "metrics", "logs")
NO_PROFILES = "a test gives no profiles"
NOT_ASKED = "this component is not asked"

# Type of a processor: the lists of its steps in their order, with the signals that they are for.
STEPS: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {
    "transform": {
        ("trace_statements",): ("traces",),
        ("metric_statements",): ("metrics",),
        ("log_statements",): ("logs",),
        ("profile_statements",): ("profiles",),
    },
    "filter": {
        ("traces", "resource"): ("traces",),
        ("traces", "span"): ("traces",),
        ("traces", "spanevent"): ("traces",),
        ("metrics", "resource"): ("metrics",),
        ("metrics", "metric"): ("metrics",),
        ("metrics", "datapoint"): ("metrics",),
        ("logs", "resource"): ("logs",),
        ("logs", "log_record"): ("logs",),
        ("profiles", "resource"): ("profiles",),
        ("profiles", "profile"): ("profiles",),
        ("trace_conditions",): ("traces",),
        ("metric_conditions",): ("metrics",),
        ("log_conditions",): ("logs",),
        ("profile_conditions",): ("profiles",),
    },
    "attributes": {("actions",): ANY_SIGNAL},
    "resource": {("attributes",): ANY_SIGNAL},
    "metricstransform": {("transforms",): ("metrics",)},
    "redaction": {("blocked_values",): ANY_SIGNAL, ("blocked_key_patterns",): ANY_SIGNAL},
}
# Processors that change records without any step: a step is compared with the others' settings, not with what enters.
_ACTS_ALONE = {"redaction"}
# Connectors that make metrics of records: the keys with conditions, and the signal of each.
METRICS_OF = {"spans": "traces", "spanevents": "traces", "metrics": "metrics", "datapoints": "metrics", "logs": "logs"}
# Keys below which a component has statements or conditions in OTTL or expr.
_DECIDING = {"condition", "conditions", "statement", "statements", "if", "expr"}
# Lists of texts in OTTL that a user may put into groups.
_GROUPED = ("statements", "conditions")
_CHOOSING = ("include", "exclude")
# What a record of a test shows of a span, data point or log record; a change of anything else is not seen.
_SEEN = {
    "aggregation_temporality", "attributes", "body", "bucket_counts", "count", "description", "event_name", "events",
    "explicit_bounds", "is_monotonic", "kind", "name", "parent_span_id", "severity_number", "severity_text", "span_id",
    "status", "sum", "trace_id", "type", "unit", "value_double", "value_int", "version",
}  # fmt: skip
_CONTEXTS = (
    "log", "exemplar", "datapoint", "metric", "spanevent", "span", "scope", "instrumentation_scope", "resource",
)  # fmt: skip


@dataclass(frozen=True)
class Branch:
    """Something that a record takes or not: its place, its text, the pipelines' signals, and the settings that ask.

    `unknown` says why no test can tell; there are no settings then.
    """

    path: Path
    what: str
    signals: tuple[str, ...] = ANY_SIGNAL
    after: Settings | None = None
    before: Settings | str = NOTHING
    unknown: str = ""


def branches(config: Mapping[str, Any], language: Language) -> list[Branch]:
    """Return what a config may do or not, in the order of the config."""
    found = []
    for name in ("receivers", "processors", "connectors"):
        for component, settings in section(config, name).items():
            if _is_used(component, config):
                mine = list(_of_component((name, component), settings, language))
                known = {branch.path for branch in mine}
                found += [*mine, *(one for one in _not_asked((name, component), settings) if one.path not in known)]
    return found


def _is_used(item: Any, config: Mapping[str, Any]) -> bool:
    return PipelineGraph.of(config).lists(item)


def _of_component(path: Path, settings: Any, language: Language) -> Iterator[Branch]:
    role, kind = str(path[0]), kind_of(str(path[1]))
    if not isinstance(settings, Mapping):
        return
    if role == "processors" and kind in STEPS:
        yield from _of_processor(path, kind, settings, language)
    elif (role, kind) in _OF_COMPONENT:
        yield from _OF_COMPONENT[role, kind](path, settings)


def _of_processor(path: Path, kind: str, settings: Settings, language: Language) -> Iterator[Branch]:
    """Yield the steps of a processor, for one signal after the other: each signal has lists of its own."""
    own = {root[0] for root in STEPS[kind]}
    rest = {key: value for key, value in settings.items() if key not in own}
    for signals in dict.fromkeys(STEPS[kind].values()):
        roots = [root for root, of in STEPS[kind].items() if of == signals]
        steps = [step for root in roots for step in _steps_at(root, settings, language)]
        yield from _of_steps(path, kind, rest, signals, steps)


def _not_asked(path: Path, settings: Any) -> Iterator[Branch]:
    """Yield what looks like a statement or a condition, or chooses records in another way."""
    choices: dict[Path, None] = {}
    for place, text in leaves(settings, path):
        names_below = [part for part in place[2:] if isinstance(part, str)]
        if isinstance(text, str) and names_below and names_below[-1] in _DECIDING:
            yield Branch(place, text, unknown=NOT_ASKED)
        choices |= dict.fromkeys(_choices_above(place))
    for place in choices:
        yield Branch(place, str(place[-1]), unknown=NOT_ASKED)


def _choices_above(place: Path) -> Iterator[Path]:
    """Yield each named choice in which a setting lies."""
    for length, part in enumerate(place[:-1], 1):
        if part in _CHOOSING and isinstance(place[length], str):
            yield place[:length]


@dataclass(frozen=True)
class Step:
    """A step of a processor: an item of the list at `root`, or a text of a group in that list.

    Of a text, `key` and `number` say where in its `group` it stands, and `index` where the group is. It is `bare` if
    the user wrote the texts of the group as the list itself.
    """

    root: Path
    index: int
    text: Any
    group: Settings | None = None
    key: str = ""
    number: int = 0
    bare: bool = False

    @property
    def path(self) -> Path:
        """Where the user wrote it, in the settings of the processor."""
        if self.group is None:
            return (*self.root, self.index)
        return (*self.root, self.number) if self.bare else (*self.root, self.index, self.key, self.number)


def _steps_at(root: Path, settings: Settings, language: Language) -> Iterator[Step]:
    """Yield each step of a list; of a group of statements and conditions its conditions first."""
    listed = at(settings, root)
    if not isinstance(listed, list):
        return
    if len(root) > 1 or not str(root[0]).endswith(_GROUPED):
        yield from (Step(root, index, item) for index, item in enumerate(listed))
        return
    bare = all(isinstance(item, str) for item in listed)
    for index, group in enumerate(_groups(root, listed, bare)):
        named = _with_context(group, language)
        for key in ("conditions", "statements"):
            for number, text in enumerate(items(named, key)):
                yield Step(root, index, text, named, key, number, bare)


def _groups(root: Path, listed: Sequence[Any], bare: bool) -> list[Settings]:
    """Return the groups of statements or conditions of a list. Texts without a group are one group."""
    if not bare:
        return [group for group in listed if isinstance(group, Mapping)]
    return [{"statements" if str(root[0]).endswith("statements") else "conditions": listed}]


def _with_context(group: Settings, language: Language) -> Settings:
    """Return a group that names its context.

    The Collector infers the context from all texts of a group, so a part of them could have another one.
    """
    context = group.get("context") or _context(group, language)
    return {**group, "context": context} if context else group


def _context(group: Settings, language: Language) -> str:
    texts = [(text, key == "statements") for key in ("statements", "conditions") for text in items(group, key)]
    kind = STATEMENT if "statements" in group else CONDITION
    return infer_context(language, kind, list(language.contexts), [used(str(text), one) for text, one in texts]).context


def _of_steps(
    path: Path, kind: str, rest: Settings, signals: tuple[str, ...], steps: Sequence[Step]
) -> Iterator[Branch]:
    """Yield the steps of a processor: each is compared with the steps before it alone."""
    unknown = NO_PROFILES if signals == ("profiles",) else ""
    done: list[Step] = []
    for step in steps:
        before = settings_of(rest, done) if done or kind in _ACTS_ALONE else ENTERS
        after = settings_of(rest, [*done, _showing(kind, step)])
        if not _is_condition(kind, step):
            done.append(step)
        yield Branch((*path, *step.path), _said(step.text), signals, None if unknown else after, before, unknown)


def _is_condition(kind: str, step: Step) -> bool:
    """Whether a step changes nothing itself: it decides about the statements of its group."""
    return kind == "transform" and step.key == "conditions"


def _showing(kind: str, step: Step) -> Step:
    """Return a step whose effect a record shows: what shows nothing of its own leaves a mark."""
    if _is_condition(kind, step):
        group = {**(step.group or {}), "conditions": [step.text], "statements": [marking("")]}
        return Step(step.root, step.index, group)
    if kind == "transform" and not _shows(step.text):
        return replace(step, text=marking(step.text))
    return step


def settings_of(rest: Settings, steps: Sequence[Step]) -> Settings:
    """Return the settings of a processor with these steps alone, and the `rest` that is no step."""
    found = dict(rest)
    groups: dict[Path, dict[str, Any]] = {}
    for step in steps:
        place = (*step.root, step.index)
        if step.group is None:
            _list_at(found, step.root).append(step.text)
        elif place in groups:
            groups[place][step.key].append(step.text)
        else:
            groups[place] = {**step.group, step.key: [step.text]}
            _list_at(found, step.root).append(groups[place])
    return found


def _list_at(settings: dict[str, Any], root: Path) -> list[Any]:
    """Return the list at a path, with what leads to it; both are made if they are missing."""
    inside = settings
    for part in root[:-1]:
        inside = inside.setdefault(str(part), {})
    listed: list[Any] = inside.setdefault(str(root[-1]), [])
    return listed


def _said(step: Any) -> str:
    if isinstance(step, Mapping):
        return ", ".join(f"{key}: {value}" for key, value in step.items() if not isinstance(value, (list, Mapping)))
    return str(step)


def statement_parts(statement: str) -> tuple[str, str]:
    """Return what a statement does, and its condition; an empty one if it has none."""
    try:
        where = next((one.start for one in tokens_of(statement) if one.text == "where" and one.kind == "lower"), None)
    except Invalid:
        where = None
    return (statement, "") if where is None else (statement[:where].strip(), statement[where + len("where") :].strip())


def used(text: str, statement: bool) -> Used:
    """Return what a text in OTTL uses; nothing if it is none."""
    found = read_ottl(text, statement)
    return found if isinstance(found, Used) else Used()


def _shows(statement: Any) -> bool:
    """Whether a record shows what a statement changes."""
    calls = used(str(statement), True).calls
    if not calls or not calls[0].arguments or calls[0].arguments[0][1].kind != PATH:
        return True
    names = [name for name, _keyed in calls[0].arguments[0][1].steps]
    return (names[1] if len(names) > 1 and names[0] in _CONTEXTS else names[0]) in _SEEN


def marking(statement: str) -> str:
    """Return a statement that leaves a mark on the resource, under the condition of another one."""
    condition = statement_parts(statement)[1]
    return f'set(resource.attributes["{MARK}"], true){condition and f" where {condition}"}'


def _policies(path: Path, settings: Settings) -> Iterator[Branch]:
    for index, policy in enumerate(mappings(settings, "policies")):
        yield from _policy((*path, "policies", index), policy, settings)


def _policy(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield a policy and the policies in it: each is asked alone."""
    kind = str(policy.get("type") or "")
    own = section(policy, kind)
    if kind == "ottl_condition":
        rest = {key: value for key, value in own.items() if key not in ("span", "spanevent")}
        for key in ("span", "spanevent"):
            for index, text in enumerate(items(own, key)):
                asked = {**policy, kind: {**rest, key: [text]}}
                yield Branch((*path, kind, key, index), str(text), ("traces",), {**settings, "policies": [asked]})
        return
    what = f"policy {policy.get('name', '')} ({kind})"
    if kind == "drop":
        asked_of = {**settings, "policies": [{"name": "all", "type": "always_sample"}, policy]}
        yield Branch(path, what, ("traces",), asked_of, ENTERS)
    else:
        yield Branch(path, what, ("traces",), {**settings, "policies": [policy]})
    for index, one in enumerate(mappings(own, f"{kind}_sub_policy")):
        yield from _policy((*path, kind, f"{kind}_sub_policy", index), one, settings)


def _routes(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the routes of a connector: each with the routes before it, which take their records first."""
    table = mappings(settings, "table")
    others = [{**route, "pipelines": [OTHERS]} for route in table]
    rest = {key: value for key, value in settings.items() if key not in ("table", "default_pipelines")}
    for index, route in enumerate(table):
        text = "statement" if route.get("statement") else "condition"
        asked = {**rest, "table": [*others[:index], {**route, "pipelines": [TAKEN]}]}
        yield Branch((*path, "table", index, text), str(route.get(text, "")), ANY_SIGNAL, asked)
    if settings.get("default_pipelines"):
        asked = {**rest, "table": others, "default_pipelines": [TAKEN]}
        yield Branch((*path, "default_pipelines"), "all that no route takes", ANY_SIGNAL, asked)


def _counted(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a connector that makes metrics: each is asked alone."""
    rest = {key: value for key, value in settings.items() if key not in METRICS_OF}
    for key, signal in METRICS_OF.items():
        listed = isinstance(settings.get(key), list)
        for name, metric in enumerate(settings[key]) if listed else section(settings, key).items():
            for index, text in enumerate(items(metric, "conditions")):
                one = {**metric, "conditions": [text]}
                asked = {**rest, key: [one] if listed else {name: one}}
                yield Branch((*path, key, name, "conditions", index), str(text), (signal,), asked)


_OF_COMPONENT: dict[tuple[str, str], Callable[[Path, Settings], Iterator[Branch]]] = {
    ("processors", "tailsampling"): _policies,
    ("connectors", "routing"): _routes,
    **{(CONNECTORS, kind): _counted for kind in types_that(CONNECTORS, Trait.COUNTS_BY_CONDITION)},
}
