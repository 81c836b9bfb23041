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
from typing import Any, NamedTuple

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
_WHERE = "where"
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
    graph = PipelineGraph.of(config)
    found: list[Branch] = []
    for role in ("receivers", "processors", "connectors"):
        for component, settings in section(config, role).items():
            if graph.lists(component):
                found += _branches_of((role, component), settings, language)
    return found


def _branches_of(path: Path, settings: Any, language: Language) -> Iterator[Branch]:
    """Yield what a component may do or not: first what a test can tell, then what it cannot."""
    asked_paths = set()
    for branch in _of_component(path, settings, language):
        asked_paths.add(branch.path)
        yield branch
    for branch in _not_asked(path, settings):
        if branch.path not in asked_paths:
            yield branch


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
    roots_by_signals: dict[tuple[str, ...], list[Path]] = {}
    for root, signals in STEPS[kind].items():
        roots_by_signals.setdefault(signals, []).append(root)
    keys_with_steps = {root[0] for root in STEPS[kind]}
    rest = {key: value for key, value in settings.items() if key not in keys_with_steps}
    for signals, roots in roots_by_signals.items():
        steps: list[Step] = []
        for list_path in roots:
            steps += _steps_at(list_path, settings, language)
        yield from _of_steps(path, kind, rest, signals, steps)


def _not_asked(path: Path, settings: Any) -> Iterator[Branch]:
    """Yield what looks like a statement or a condition, or chooses records in another way."""
    choices: dict[Path, None] = {}
    for place, value in leaves(settings, path):
        if isinstance(value, str) and _is_deciding(place):
            yield Branch(place, value, unknown=NOT_ASKED)
        choices |= dict.fromkeys(_choices_above(place))
    for place in choices:
        yield Branch(place, str(place[-1]), unknown=NOT_ASKED)


def _is_deciding(place: Path) -> bool:
    """Whether the last key on the way to a setting of a component is one of statements or conditions."""
    keys = [part for part in place[2:] if isinstance(part, str)]
    return bool(keys) and keys[-1] in _DECIDING


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
        if self.bare:
            return (*self.root, self.number)
        return (*self.root, self.index, self.key, self.number)


def _steps_at(root: Path, settings: Settings, language: Language) -> Iterator[Step]:
    """Yield each step of a list; of a group of statements and conditions its conditions first."""
    listed = at(settings, root)
    if not isinstance(listed, list):
        return
    has_groups = len(root) == 1 and str(root[0]).endswith(_GROUPED)
    if not has_groups:
        yield from (Step(root, index, item) for index, item in enumerate(listed))
        return
    is_bare = all(isinstance(item, str) for item in listed)
    for index, group in enumerate(_groups(root, listed, is_bare)):
        named_group = _with_context(group, language)
        for key in ("conditions", "statements"):
            for number, text in enumerate(items(named_group, key)):
                yield Step(root, index, text, named_group, key, number, is_bare)


def _groups(root: Path, listed: Sequence[Any], is_bare: bool) -> list[Settings]:
    """Return the groups of statements or conditions of a list. Texts without a group are one group."""
    if not is_bare:
        return [group for group in listed if isinstance(group, Mapping)]
    key = "statements" if str(root[0]).endswith("statements") else "conditions"
    return [{key: listed}]


def _with_context(group: Settings, language: Language) -> Settings:
    """Return a group that names its context.

    The Collector infers the context from all texts of a group, so a part of them could have another one.
    """
    context = group.get("context") or _inferred_context(group, language)
    return {**group, "context": context} if context else group


def _inferred_context(group: Settings, language: Language) -> str:
    """Return the context that the Collector infers from the texts of a group; empty text if there is none."""
    uses: list[Used] = []
    for key in ("statements", "conditions"):
        uses += [used(str(text), key == "statements") for text in items(group, key)]
    kind = STATEMENT if "statements" in group else CONDITION
    return infer_context(language, kind, list(language.contexts), uses).context


def _of_steps(
    path: Path, kind: str, rest: Settings, signals: tuple[str, ...], steps: Sequence[Step]
) -> Iterator[Branch]:
    """Yield the steps of a processor: each is compared with the steps before it alone."""
    has_profiles = signals == ("profiles",)
    steps_before: list[Step] = []
    for step in steps:
        place, text = (*path, *step.path), _step_text(step.text)
        before = settings_of(rest, steps_before) if steps_before or kind in _ACTS_ALONE else ENTERS
        if has_profiles:
            yield Branch(place, text, signals, None, before, NO_PROFILES)
        else:
            yield Branch(place, text, signals, settings_of(rest, [*steps_before, _showing(kind, step)]), before)
        if not _is_condition(kind, step):
            steps_before.append(step)


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
    settings = dict(rest)
    groups: dict[Path, dict[str, Any]] = {}
    for step in steps:
        place = (*step.root, step.index)
        if step.group is None:
            _list_at(settings, step.root).append(step.text)
        elif place in groups:
            groups[place][step.key].append(step.text)
        else:
            groups[place] = {**step.group, step.key: [step.text]}
            _list_at(settings, step.root).append(groups[place])
    return settings


def _list_at(settings: dict[str, Any], root: Path) -> list[Any]:
    """Return the list at a path, with what leads to it; both are made if they are missing."""
    inside = settings
    for part in root[:-1]:
        inside = inside.setdefault(str(part), {})
    listed: list[Any] = inside.setdefault(str(root[-1]), [])
    return listed


def _step_text(step: Any) -> str:
    """Return a step in words: its text, or of a mapping the settings that are scalars."""
    if not isinstance(step, Mapping):
        return str(step)
    return ", ".join(f"{key}: {value}" for key, value in step.items() if not isinstance(value, (list, Mapping)))


def statement_parts(statement: str) -> tuple[str, str]:
    """Return what a statement does, and its condition; an empty one if it has none."""
    where = _start_of_where(statement)
    if where is None:
        return statement, ""
    return statement[:where].strip(), statement[where + len(_WHERE) :].strip()


def _start_of_where(statement: str) -> int | None:
    """Return at which character the condition of a statement begins; None if it has none, or is no OTTL."""
    try:
        for token in tokens_of(statement):
            if token.text == _WHERE and token.kind == "lower":
                return token.start
    except Invalid:
        pass
    return None


def used(text: str, statement: bool) -> Used:
    """Return what a text in OTTL uses; nothing if it is none."""
    answer = read_ottl(text, statement)
    return answer if isinstance(answer, Used) else Used()


def _shows(statement: Any) -> bool:
    """Whether a record shows what a statement changes: the field that its first call is given."""
    calls = used(str(statement), True).calls
    if not calls or not calls[0].arguments:
        return True
    _argument_name, target = calls[0].arguments[0]
    if target.kind != PATH:
        return True
    names = [name for name, _keyed in target.steps]
    begins_with_context = len(names) > 1 and names[0] in _CONTEXTS
    field = names[1] if begins_with_context else names[0]
    return field in _SEEN


def marking(statement: str) -> str:
    """Return a statement that leaves a mark on the resource, under the condition of another one."""
    mark = f'set(resource.attributes["{MARK}"], true)'
    _action, condition = statement_parts(statement)
    return f"{mark} where {condition}" if condition else mark


def _policies(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the policies of tail_sampling."""
    for index, policy in enumerate(mappings(settings, "policies")):
        yield from _policy((*path, "policies", index), policy, settings)


def _policy(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield a policy and the policies in it: each is asked alone."""
    kind = str(policy.get("type") or "")
    own = section(policy, kind)
    if kind == "ottl_condition":
        yield from _conditions_of_policy(path, policy, settings)
        return
    what = f"policy {policy.get('name', '')} ({kind})"
    if kind == "drop":
        asked_policies = [{"name": "all", "type": "always_sample"}, policy]
        yield Branch(path, what, ("traces",), {**settings, "policies": asked_policies}, ENTERS)
    else:
        yield Branch(path, what, ("traces",), {**settings, "policies": [policy]})
    sub_policies = f"{kind}_sub_policy"
    for index, sub_policy in enumerate(mappings(own, sub_policies)):
        yield from _policy((*path, kind, sub_policies, index), sub_policy, settings)


def _conditions_of_policy(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a policy `ottl_condition`: a policy with that condition alone asks for each."""
    kind = "ottl_condition"
    own = section(policy, kind)
    contexts = ("span", "spanevent")
    rest = {key: value for key, value in own.items() if key not in contexts}
    for context in contexts:
        for index, text in enumerate(items(own, context)):
            asked_policy = {**policy, kind: {**rest, context: [text]}}
            asked_settings = {**settings, "policies": [asked_policy]}
            yield Branch((*path, kind, context, index), str(text), ("traces",), asked_settings)


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
        for name, metric, is_listed in _metrics_at(settings, key):
            for index, text in enumerate(items(metric, "conditions")):
                asked_metric = {**metric, "conditions": [text]}
                asked_metrics = [asked_metric] if is_listed else {name: asked_metric}
                place = (*path, key, name, "conditions", index)
                yield Branch(place, str(text), (signal,), {**rest, key: asked_metrics})


class _CountedMetric(NamedTuple):
    """A metric of a connector: its name or number, its settings, and whether it is an item of a list."""

    name: str | int
    settings: Any
    is_listed: bool


def _metrics_at(settings: Settings, key: str) -> Iterator[_CountedMetric]:
    """Yield the metrics below a key: count has a mapping of them, signal_to_metrics a list."""
    metrics = settings.get(key)
    if isinstance(metrics, list):
        for number, metric in enumerate(metrics):
            yield _CountedMetric(number, metric, True)
        return
    for name, metric in section(settings, key).items():
        yield _CountedMetric(name, metric, False)


_OF_COMPONENT: dict[tuple[str, str], Callable[[Path, Settings], Iterator[Branch]]] = {
    ("processors", "tailsampling"): _policies,
    ("connectors", "routing"): _routes,
    **{(CONNECTORS, kind): _counted for kind in types_that(CONNECTORS, Trait.COUNTS_BY_CONDITION)},
}
