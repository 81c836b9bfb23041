# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short wrong example and a short right one for each rule, out of the cases that test it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import SequenceMatcher
from functools import cache
from typing import Any, NamedTuple

import yaml

from .choices import CHOICES, Choice
from .project import cases, findings

_LONGEST = 24
_SHORTEST = 3
# What names a custom resource, and the config of one in a case that is not about it.
_HEAD = ("apiVersion", "kind")
_PLACE: Any = {"service": {}}
# What no data can show, since a mapping has a key once only.
_WRITTEN = {
    "duplicate-key": ("receivers: {otlp: {}}\nreceivers: {zipkin: {}}\n", "receivers: {otlp: {}, zipkin: {}}\n")
}
_PARTS = ("receivers", "processors", "exporters", "connectors", "extensions")


class Example(NamedTuple):
    """Excerpts of a wrong and a right config as YAML, what is known around the wrong one, and what the rule says."""

    wrong: str
    right: str
    around: str
    path: str
    message: str
    fix: str
    right_around: str = ""


def example(rule_id: str) -> Example:
    """Return the cases that were chosen, else the shortest wrong one and the right one that is most like it."""
    choice = CHOICES.get(rule_id, Choice())
    own = [case for case in _all() if case.rule == rule_id]
    bad = _chosen(choice.wrong, own) or min((case for case in own if case.path is not None), key=_length)
    wrong = _excerpt(shown(bad, bad.path), bad.path, choice.parts)
    others = (case for case in own if case.path is None)
    good = _chosen(choice.right, own) or max(others, key=lambda case: _likeness(case, bad, wrong))
    right = _excerpt(shown(good, bad.path), bad.path, choice.parts)
    finding = findings(bad)[0]
    wrong, right = _WRITTEN.get(rule_id, (wrong, right))
    return Example(wrong, right, _around(bad.more), bad.path, finding.message, finding.fix, _around(good.more))


def _chosen(name: str, own: list[Any]) -> Any:
    """Return the case of this name; a name that no case has any more is a mistake here."""
    return next(case for case in own if case.name == name) if name else None


@cache
def _all() -> tuple[Any, ...]:
    return tuple(cases())


def shown(case: Any, path: str) -> Any:
    """Return what a case is about: its config, or the custom resource that this is in, as far as it matters."""
    resource = case.more.get("resource")
    if resource is None:
        return case.config
    if path in _HEAD:
        return {key: resource[key] for key in _HEAD}
    whole = path == "spec"  # about what a spec lacks
    spec = {key: value for key, value in resource["spec"].items() if whole or (key, value) != ("config", _PLACE)}
    config = {} if (path or "spec").startswith("spec") else {"config": {"receivers": case.config["receivers"]}}
    return {"spec": {**spec, **config}}


def _length(case: Any) -> tuple[int, int]:
    lines = len(_excerpt(shown(case, case.path), case.path).splitlines())
    return (abs(lines) if lines >= _SHORTEST else _LONGEST, len(str(case.more)))


def _likeness(case: Any, bad: Any, wrong: str) -> tuple[bool, float]:
    """Return how well a right case shows what would have to change: where it runs first, then its text."""
    text = _excerpt(shown(case, bad.path), bad.path)
    same = case.more.keys() == bad.more.keys() and _around(case.more) == _around(bad.more)
    differs = bool(text) and (text != wrong or not same)
    ratio = SequenceMatcher(None, wrong, text).ratio()
    return differs and text != "{}\n", ratio + (1.0 if same and text != wrong else 0.0)


def _excerpt(config: Any, path: str, parts: tuple[str, ...] = ()) -> str:
    """Return the parts of a config that were chosen, else those that a path is about."""
    if not isinstance(config, dict):
        return _text(config)
    kept = [part for part in parts or _about(config, path) if at(config, part) is not None]
    result: dict[str, Any] = {}
    for part in kept:
        name, _dot, below = part.partition(".")
        result[name] = {**result.get(name, {}), below: at(config, part)} if below else config[name]
    return _text(_tidy(result if kept else config))


def _about(config: dict[Any, Any], path: str) -> tuple[str, ...]:
    first, second = (*path.replace("[", ".").split("."), "", "")[:2]
    if first == "service" and second == "pipelines":
        return ("connectors", "service.pipelines")
    if first == "service" and second == "extensions":
        return ("extensions", "service.extensions")
    return (f"service.{second}",) if first == "service" and second else (first,) if first in config else ()


def at(config: Any, part: str) -> Any:
    """Return what stands at `section` or `section.key`."""
    name, _dot, below = part.partition(".")
    value = config.get(name)
    return value if not below else value.get(below) if isinstance(value, dict) else None


def _tidy(value: Any) -> Any:
    """Return data without what only says that there is nothing."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items() if key not in _PARTS or item not in ([], {})}
    return [_tidy(item) for item in value] if isinstance(value, list) else {} if value is None else value


def _text(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100))


def _around(more: Mapping[str, Any]) -> str:
    """Return in words what a case knows of its surroundings."""
    return ", ".join(_words(more))


def _words(more: Mapping[str, Any]) -> Iterator[str]:
    target, deployment = more.get("target"), more.get("deployment")
    if target:
        yield f"{target.distribution} {target.version}"
    if deployment:
        yield f"mode {deployment.mode}"
        for field in fields(deployment):
            value = getattr(deployment, field.name)
            if field.name != "mode" and value != field.default:
                yield f"{field.name.replace('_', ' ')}: {_plain(value)}"
    for lost in more.get("unreceived", {}).values():
        for name in dict.fromkeys(name for name, _signal in lost):
            yield f"collector {name} receives no {' and no '.join(signal for other, signal in lost if other == name)}"
    yield from _connections(more)
    if "environment" in more:
        given = more["environment"]
        yield f"variables: {', '.join(sorted(given)) or 'none'}" if given is not None else "variables unknown"


def _connections(more: Mapping[str, Any]) -> Iterator[str]:
    if "unseen" in more:
        keeping = sorted({name for names in more["unseen"].values() for name in names})
        yield from (f"collector {name} lets connections stay" for name in keeping)
        yield from () if keeping else ("the collector ends connections after a time",)


def _plain(value: Any) -> str:
    if hasattr(value, "policies"):
        rules = [item["spec"]["ingress"] for item in value.policies.policies]
        return str(yaml.safe_dump(rules[0], default_flow_style=True)).strip()
    if isinstance(value, (frozenset, tuple)):
        return (
            ", ".join(sorted(_plain(item) if isinstance(item, dict) else str(_pair(item)) for item in value)) or "none"
        )
    if isinstance(value, dict):
        return " ".join("/".join(map(str, item)) or "''" for item in value.values())
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _pair(item: Any) -> str:
    return "/".join(str(part) for part in item) if isinstance(item, tuple) else str(item)
