# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on receiver_creator: when it starts a receiver, for endpoints that an observer reports.

Sources: rules.go and config.go of receivercreator, and the READMEs of the observers in opentelemetry-collector-contrib.
Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.receiver_creator.receivers.redis: error [discovery-rule] 'rule' is missing. Add a rule such as `type
    == "pod"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, list_at, mapping_at, value_at
from ..errors import find_nearest, suggest_word
from ..languages.expr import find_expression_fault
from ..traits import kind_of
from .configured_components import configured_components
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject

_CREATOR_KIND = "receivercreator"
# How a rule has to begin. Single quotes, which the language takes elsewhere, are refused here.
_RULE_BEGIN = re.compile(r'type\s*==\s*"([^"]*)"')
_SINGLE_QUOTES = re.compile(r"type\s*==\s*'([^']*)'")
_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/receivercreator"


class ReportedType(NamedTuple):
    """A type of endpoints that an observer reports."""

    endpoint_type: str
    enabling_setting: str = ""
    """The setting that turns it on; empty if nothing turns it off."""
    is_on_by_default: bool = True


_OBSERVERS = {
    "k8s_observer": (
        ReportedType("pod", "observe_pods"),
        ReportedType("port", "observe_pods"),
        ReportedType("pod.container", "observe_pods"),
        ReportedType("k8s.node", "observe_nodes", is_on_by_default=False),
        ReportedType("k8s.service", "observe_services", is_on_by_default=False),
        ReportedType("k8s.ingress", "observe_ingresses", is_on_by_default=False),
        ReportedType("k8s.crd", "observe_crds", is_on_by_default=False),
    ),
    "host_observer": (ReportedType("hostport"),),
    "docker_observer": (ReportedType("container"),),
    "ecs_task_observer": (ReportedType("container"),),
    "cfgarden_observer": (ReportedType("container"),),
    "kafkatopics_observer": (ReportedType("kafka.topics"),),
}
_REPORTED_TYPES = {kind_of(name): reported_types for name, reported_types in _OBSERVERS.items()}
_ENDPOINT_TYPES = sorted(
    {reported.endpoint_type for reported_types in _OBSERVERS.values() for reported in reported_types}
)


class _ReceiverTemplate(NamedTuple):
    """A receiver that a receiver_creator starts: where its rule stands, the rule, and the observers that are asked."""

    rule_path: Path
    rule: Any
    observers: list[Any]


def discovery_rule(subject: Subject) -> Iterator[Fault]:
    """Yield rules of receiver_creator that the Collector refuses: no type at their begin, or no expression."""
    usual_type = "hostport" if subject.on_host else "pod"
    for template in _list_receiver_templates(subject):
        if template.rule is None or template.rule == "":
            yield Fault(template.rule_path[:-1], "'rule' is missing", f'Add a rule such as `type == "{usual_type}"`.')
        elif isinstance(template.rule, str) and "${" not in template.rule:
            yield from _find_refused_rule(template.rule_path, template.rule.replace("$$", "$"), usual_type)


def _find_refused_rule(path: Path, rule: str, usual_type: str) -> Iterator[Fault]:
    """Yield why the Collector refuses a rule; `usual_type` is the type of endpoints that a fix names.

    The rule is as the Collector reads it, with one dollar where YAML has two.
    """
    single_quoted = _SINGLE_QUOTES.match(rule)
    if single_quoted:
        fix = f'Write `type == "{single_quoted[1]}"`, and the whole rule in single quotes of YAML.'
        yield Fault(path, "the type at the begin of a rule stands in double quotes", fix)
        return
    rule_begin = _RULE_BEGIN.match(rule)
    if rule_begin is None:
        yield Fault(path, "a rule begins with the type of its endpoints", f'Write `type == "{usual_type}" && {rule}`.')
        return
    endpoint_type = rule_begin[1]
    if endpoint_type not in _ENDPOINT_TYPES:
        yield _report_unknown_type(path, endpoint_type)
        return
    syntax_error = find_expression_fault(rule, must_be_truth_value=True)
    if syntax_error:
        yield Fault(path, f"this is no rule: {syntax_error.reason}", "Write a condition.", offset=syntax_error.start)


def _report_unknown_type(path: Path, endpoint_type: str) -> Fault:
    """Return the fault of a type of endpoints that no observer reports.

    It is certain for a misspelt name, such as `prot`. Any other may be a type of a newer version, so it is a warning.
    """
    is_slip = bool(find_nearest(endpoint_type, _ENDPOINT_TYPES))
    message = f"no observer reports endpoints of type '{endpoint_type}'{suggest_word(endpoint_type, _ENDPOINT_TYPES)}"
    return Fault(
        path, message, f"Use one of {', '.join(_ENDPOINT_TYPES)}.", severity=SEVERITY_OF_RULE if is_slip else "warning"
    )


@about(receivers=[_CREATOR_KIND])
def unobserved_type(subject: Subject) -> Iterator[Fault]:
    """Yield rules for a type of endpoints that no observer of the receiver_creator reports; nothing is ever started."""
    for template in _list_receiver_templates(subject):
        endpoint_type = _read_endpoint_type(template.rule)
        if endpoint_type not in _ENDPOINT_TYPES or not template.observers:
            continue
        if not any(_may_report_type(subject, observer, endpoint_type) for observer in template.observers):
            message = f"no observer of this receiver reports endpoints of type '{endpoint_type}'"
            yield Fault(template.rule_path, message, _suggest_observer(endpoint_type))


def _read_endpoint_type(rule: Any) -> str:
    """Return the type of endpoints with which a rule begins; empty if it begins with none."""
    rule_begin = _RULE_BEGIN.match(rule) if isinstance(rule, str) else None
    return rule_begin[1] if rule_begin else ""


def _list_receiver_templates(subject: Subject) -> Iterator[_ReceiverTemplate]:
    """Yield the receivers that receiver_creators start, without those whose settings are a variable."""
    for component in configured_components(subject):
        if component.section != "receivers" or kind_of(component.type) != _CREATOR_KIND:
            continue
        observers = list_at(component.settings, "watch_observers")
        for name, template in mapping_at(component.settings, "receivers").items():
            if not isinstance(template, str):
                path: Path = (*component.config_path, "receivers", name, "rule")
                yield _ReceiverTemplate(path, value_at(template, ("rule",)), observers)


def _may_report_type(subject: Subject, observer_id: Any, endpoint_type: str) -> bool:
    """Whether an observer reports a type of endpoints, as far as its settings say; one that is not known may."""
    reported_types = _REPORTED_TYPES.get(kind_of(observer_id)) if isinstance(observer_id, str) else None
    if reported_types is None:
        return True
    settings = mapping_at(subject.config, "extensions", observer_id)
    return any(
        _is_reported_by_settings(reported, settings)
        for reported in reported_types
        if reported.endpoint_type == endpoint_type
    )


def _is_reported_by_settings(reported_type: ReportedType, settings: Mapping[str, Any]) -> bool:
    """Whether an observer with these settings reports a type of endpoints."""
    return settings.get(reported_type.enabling_setting, reported_type.is_on_by_default) not in (False, None, [])


def _suggest_observer(endpoint_type: str) -> str:
    """Return how to get endpoints of a type: by a setting of an observer, or by another observer."""
    for observer, reported_types in _OBSERVERS.items():
        for reported_type in reported_types:
            if reported_type.endpoint_type == endpoint_type:
                return _suggest_observer_setting(observer, reported_type)
    return ""


def _suggest_observer_setting(observer: str, reported_type: ReportedType) -> str:
    """Return how to get endpoints of a type from an observer."""
    if reported_type.is_on_by_default:
        return f"Start the extension `{observer}`, and list it in `watch_observers`."
    return f"Set `{reported_type.enabling_setting}` of extension k8s_observer, and list that in `watch_observers`."


RULES = (
    *define_rules("error", discovery_rule, documentation=_DOCUMENTATION),
    *define_rules("warning", unobserved_type, documentation=_DOCUMENTATION),
)
