# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on receiver_creator: when it starts a receiver, for endpoints that an observer reports.

Sources: rules.go and config.go of receivercreator, and the READMEs of the observers in opentelemetry-collector-contrib.
Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, at, items, section
from ..errors import near, nearest
from ..languages.expr import broken_expression
from ..traits import kind_of
from .configured_components import configured_components
from .subject import Fault, Subject, about, rules

_CREATOR = "receivercreator"
# How a rule has to begin. Single quotes, which the language takes elsewhere, are refused here.
_BEGINS = re.compile(r'type\s*==\s*"([^"]*)"')
_SINGLE_QUOTES = re.compile(r"type\s*==\s*'([^']*)'")
_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/receivercreator"


class Reported(NamedTuple):
    """A type of endpoints that an observer reports, and the setting that turns it on, with its default."""

    type: str
    setting: str = ""
    default: bool = True


_OBSERVERS = {
    "k8s_observer": (
        Reported("pod", "observe_pods"),
        Reported("port", "observe_pods"),
        Reported("pod.container", "observe_pods"),
        Reported("k8s.node", "observe_nodes", default=False),
        Reported("k8s.service", "observe_services", default=False),
        Reported("k8s.ingress", "observe_ingresses", default=False),
        Reported("k8s.crd", "observe_crds", default=False),
    ),
    "host_observer": (Reported("hostport"),),
    "docker_observer": (Reported("container"),),
    "ecs_task_observer": (Reported("container"),),
    "cfgarden_observer": (Reported("container"),),
    "kafkatopics_observer": (Reported("kafka.topics"),),
}
_REPORTED = {kind_of(name): reported_types for name, reported_types in _OBSERVERS.items()}
_TYPES = sorted({reported.type for reported_types in _OBSERVERS.values() for reported in reported_types})


class _Template(NamedTuple):
    """A receiver that a receiver_creator starts: where its rule stands, the rule, and the observers that are asked."""

    path: Path
    rule: Any
    observers: list[Any]


def discovery_rule(subject: Subject) -> Iterator[Fault]:
    """Yield rules of receiver_creator that the Collector refuses: no type at their begin, or no expression."""
    usual = "hostport" if subject.on_host else "pod"
    for template in _templates(subject):
        if template.rule is None or template.rule == "":
            yield Fault(template.path[:-1], "'rule' is missing", f'Add a rule such as `type == "{usual}"`.')
        elif isinstance(template.rule, str) and "${" not in template.rule:
            yield from _refused_rule(template.path, template.rule.replace("$$", "$"), usual)


def _refused_rule(path: Path, rule: str, usual: str) -> Iterator[Fault]:
    """Yield why the Collector refuses a rule; `usual` is the type of endpoints that a fix names.

    The rule is as the Collector reads it, with one dollar where YAML has two.
    """
    quoted = _SINGLE_QUOTES.match(rule)
    if quoted:
        fix = f'Write `type == "{quoted[1]}"`, and the whole rule in single quotes of YAML.'
        yield Fault(path, "the type at the begin of a rule stands in double quotes", fix)
        return
    begin = _BEGINS.match(rule)
    if begin is None:
        yield Fault(path, "a rule begins with the type of its endpoints", f'Write `type == "{usual}" && {rule}`.')
        return
    endpoint_type = begin[1]
    if endpoint_type not in _TYPES:
        yield _unknown_type(path, endpoint_type)
        return
    broken = broken_expression(rule, truth=True)
    if broken:
        yield Fault(path, f"this is no rule: {broken.why}", "Write a condition.", offset=broken.start)


def _unknown_type(path: Path, endpoint_type: str) -> Fault:
    """Return the fault of a type of endpoints that no observer reports; one that is no slip may be a newer one."""
    is_slip = bool(nearest(endpoint_type, _TYPES))
    message = f"no observer reports endpoints of type '{endpoint_type}'{near(endpoint_type, _TYPES)}"
    return Fault(path, message, f"Use one of {', '.join(_TYPES)}.", severity="" if is_slip else "warning")


@about(receivers=[_CREATOR])
def unobserved_type(subject: Subject) -> Iterator[Fault]:
    """Yield rules for a type of endpoints that no observer of the receiver_creator reports; nothing is ever started."""
    for template in _templates(subject):
        endpoint_type = _endpoint_type(template.rule)
        if endpoint_type not in _TYPES or not template.observers:
            continue
        if not any(_reports(subject, observer, endpoint_type) for observer in template.observers):
            message = f"no observer of this receiver reports endpoints of type '{endpoint_type}'"
            yield Fault(template.path, message, _way_to(endpoint_type))


def _endpoint_type(rule: Any) -> str:
    """Return the type of endpoints with which a rule begins; empty if it begins with none."""
    begin = _BEGINS.match(rule) if isinstance(rule, str) else None
    return begin[1] if begin else ""


def _templates(subject: Subject) -> Iterator[_Template]:
    """Yield the receivers that receiver_creators start, without those whose settings are a variable."""
    for component in configured_components(subject):
        if component.section != "receivers" or kind_of(component.kind) != _CREATOR:
            continue
        observers = items(component.settings, "watch_observers")
        for name, template in section(component.settings, "receivers").items():
            if not isinstance(template, str):
                path: Path = (*component.path, "receivers", name, "rule")
                yield _Template(path, at(template, ("rule",)), observers)


def _reports(subject: Subject, observer: Any, endpoint_type: str) -> bool:
    """Whether an observer reports a type of endpoints, as far as its settings say; one that is not known may."""
    reported_types = _REPORTED.get(kind_of(observer)) if isinstance(observer, str) else None
    if reported_types is None:
        return True
    settings = section(subject.config, "extensions", observer)
    return any(_is_reported(reported, settings) for reported in reported_types if reported.type == endpoint_type)


def _is_reported(reported: Reported, settings: Mapping[str, Any]) -> bool:
    """Whether an observer with these settings reports a type of endpoints."""
    return settings.get(reported.setting, reported.default) not in (False, None, [])


def _way_to(endpoint_type: str) -> str:
    """Return how to get endpoints of a type: by a setting of an observer, or by another observer."""
    for observer, reported_types in _OBSERVERS.items():
        for reported in reported_types:
            if reported.type == endpoint_type:
                return _way_by(observer, reported)
    return ""


def _way_by(observer: str, reported: Reported) -> str:
    """Return how to get endpoints of a type from an observer."""
    if reported.default:
        return f"Start the extension `{observer}`, and list it in `watch_observers`."
    return f"Set `{reported.setting}` of extension k8s_observer, and list that in `watch_observers`."


RULES = (
    *rules("error", discovery_rule, documentation=_DOCUMENTATION),
    *rules("warning", unobserved_type, documentation=_DOCUMENTATION),
)
