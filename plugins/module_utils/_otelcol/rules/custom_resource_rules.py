# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on custom resources of the operator: values that its CRD or webhook rejects.

Source: the CRD of OpenTelemetryCollector with its CEL rules, and Validate in the operator's internal/webhook. Whether
`mode` was another before, and what the user's account may do, only the cluster knows. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    spec.affinity: error [resource-mode] mode sidecar cannot have affinity. Remove it, or use mode daemonset or
    deployment or statefulset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from ..config.paths import Path, list_at, mapping_at, value_at
from ..errors import suggest_word
from .constraints import UNKNOWN_FIELD, RuleFault
from .custom_resource_fields import LOWEST_VALUES, MODE_FIELDS, MODES
from .field_walk import NOT_A_SETTING, walk_fields
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject, once_per_subject

_API = "https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/opentelemetrycollectors.md"
_SPEC: Path = ("spec",)
# The fields at the top of a custom resource.
_ROOT = ("apiVersion", "kind", "metadata", "spec", "status")
_GROUP = "opentelemetry.io/"
COLLECTOR_KIND = "OpenTelemetryCollector"
# Kinds of the group that the table lacks: a preview of 0.158 has this one in another manifest.
OTHER_KINDS = ("ClusterObservability",)
# The name of a port: at most 15 small letters, digits and single dashes, with a letter.
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*\Z")
_LARGEST_PORT = 65535
# The longest stabilization window of an autoscaler, in seconds.
_LONGEST_WINDOW = 3600
# The fields with the value of a metric, by the type of its target.
_TARGET_FIELDS = {"AverageValue": "averageValue", "Value": "value"}
# The fix of the rule on settings for a field that a label selector does not have.
_SELECTOR = "Known here: matchExpressions, matchLabels."  # as field_walk.py words it
# A fix lists known names if they are not more than that.
_MOST_SHOWN_NAMES = 16

# What people call a field by the words of its documentation, where another field is spelled more like it.
_MEANT_FIELD_BY_PATH: dict[Path, str] = {("targetAllocator", "strategy"): "allocationStrategy"}


@about("custom_resource")
def resource_version(subject: Subject) -> Iterator[Fault]:
    """Yield versions of a custom resource that no operator serves, or that are deprecated."""
    kind, version = _resource_kind(subject), _resource_api_version(subject)
    versions = subject.operator_kinds.get("kinds", {}).get(kind)
    if versions is None:
        return
    newest = f"{_GROUP}{max(versions, key=_version_sort_key)}"
    if version not in versions:
        message = f"the operator serves no {kind} in {_custom_resource(subject).get('apiVersion')}"
        yield Fault(("apiVersion",), message, f"Write `apiVersion: {newest}`.")
        return
    converted_version = value_at(subject.operator_kinds, ("deprecated", kind, version))
    if converted_version:
        fix = (
            f"Write `apiVersion: {newest}` and `config` as a mapping; or read it from a cluster, which converts it: "
            f"`kubectl -n NAMESPACE get {kind.lower()}s.{converted_version}.opentelemetry.io NAME -o yaml`."
        )
        yield Fault(("apiVersion",), f"{kind} in {version} is deprecated", fix, severity="info")


@about("custom_resource")
def resource_kind(subject: Subject) -> Iterator[Fault]:
    """Yield custom resources of the operator's group whose kind no operator has."""
    kinds, kind = subject.operator_kinds.get("kinds", {}), _resource_kind(subject)
    if kinds and kind not in (*kinds, *OTHER_KINDS):
        yield Fault(
            ("kind",), f"the operator has no kind '{kind}'{suggest_word(kind, kinds)}", f"Known: {', '.join(kinds)}."
        )


@about("custom_resource")
def resource_config(subject: Subject) -> Iterator[Fault]:
    """Yield OpenTelemetryCollectors without a config."""
    if not subject.custom_resource or _resource_kind(subject) != COLLECTOR_KIND:
        return
    if _resource_spec(subject).get("config") in (None, {}, ""):
        fix = "Write the config of the Collector below `spec.config`."
        yield Fault(_SPEC, f"an {COLLECTOR_KIND} without `spec.config` starts no Collector", fix)


@about("custom_resource")
def resource_field(subject: Subject) -> Iterator[Fault]:
    """Yield fields that a custom resource does not have; the API server rejects or drops them."""
    fields, kind = _find_spec_fields(subject) or {}, _resource_kind(subject)
    for key in _custom_resource(subject):
        if key not in _ROOT:
            yield _describe_misplaced_field(key, kind, is_of_spec=key in fields)
    for misfit in _find_misfits(subject):
        if misfit.rule == UNKNOWN_FIELD:
            yield _describe_unknown_field(misfit.fault, kind)


def _describe_misplaced_field(key: str, kind: str, *, is_of_spec: bool) -> Fault:
    """Return the fault of a field that stands beside the spec of a custom resource."""
    message = f"{_add_article(kind)} has no '{key}' beside its spec"
    if is_of_spec:
        return Fault((key,), message, f"Write it below `spec`, as `spec.{key}`.")
    return Fault((key,), f"{message}{suggest_word(str(key), _ROOT)}", "Remove it.")


def _describe_unknown_field(fault: Fault, kind: str) -> Fault:
    """Return the fault of an unknown field in the words of custom resources."""
    *parent_keys, key = fault.path
    _spec, *parents_below_spec = parent_keys
    meant_field = _MEANT_FIELD_BY_PATH.get((*parents_below_spec, key))
    suggestion = fault.message.partition(NOT_A_SETTING)[2]
    if meant_field:
        suggestion = f"; did you mean '{meant_field}'?"
    fix = fault.fix
    if fix == _SELECTOR and not suggestion:
        fix = f"Labels of a selector stand below `matchLabels`: write `matchLabels: {{{key}: VALUE}}`."
    elif fix.count(",") >= _MOST_SHOWN_NAMES:
        fix = "Remove it, or look up its name for your version of the operator."
    return replace(
        fault, message=f"{_add_article(kind)} has no '{key}' here{suggestion}", fix=fix, severity=SEVERITY_OF_RULE
    )


@about("custom_resource")
def resource_value(subject: Subject) -> Iterator[Fault]:
    """Yield values that the schema of custom resources rejects: wrong types, unknown words, numbers out of range."""
    for misfit in _find_misfits(subject):
        if misfit.rule != UNKNOWN_FIELD:
            # The severity of field_walk.py says what a Collector does with its settings. It does not read these.
            yield replace(misfit.fault, severity=SEVERITY_OF_RULE)
    if _resource_kind(subject) != COLLECTOR_KIND:
        return
    for path, lowest in LOWEST_VALUES.items():
        value = value_at(_resource_spec(subject), path)
        if _is_number(value) and value < lowest:
            yield Fault((*_SPEC, *path), f"{value} is not a number of {lowest} or more", f"Write {lowest} or more.")


@once_per_subject
def _find_misfits(subject: Subject) -> Iterator[RuleFault]:
    """Yield what the schema of a custom resource refuses, with the rule on settings that finds the same."""
    fields = _find_spec_fields(subject)
    if fields is not None:
        yield from walk_fields(subject.operator_kinds["shared"], fields, _custom_resource(subject).get("spec"), _SPEC)


def _find_spec_fields(subject: Subject) -> dict[str, Any] | None:
    """Return the fields of the spec of a custom resource; None if its kind and version are not known."""
    fields: dict[str, Any] | None = value_at(
        subject.operator_kinds, ("kinds", _resource_kind(subject), _resource_api_version(subject))
    )
    return fields


def _custom_resource(subject: Subject) -> Mapping[str, Any]:
    """Return the custom resource that a subject is in; an empty one if there is none."""
    return subject.custom_resource or {}


def _resource_kind(subject: Subject) -> str:
    """Return the kind of a custom resource; without one, a config is that of a collector."""
    return str(_custom_resource(subject).get("kind") or COLLECTOR_KIND)


def _resource_api_version(subject: Subject) -> str:
    """Return the version of a custom resource; that of another group as a whole."""
    return str(_custom_resource(subject).get("apiVersion")).removeprefix(_GROUP)


def _version_sort_key(version: str) -> tuple[str, str]:
    """Return what sorts v1alpha1 before v1beta1."""
    return version[2:], version


def _add_article(kind: str) -> str:
    """Return a kind with its article: `an Instrumentation`."""
    article = "an" if kind[0] in "AEIO" else "a"
    return f"{article} {kind}"


@about("custom_resource")
def resource_mode(subject: Subject) -> Iterator[Fault]:
    """Yield fields that the mode of a custom resource does not support; they are rejected or ignored."""
    spec = _resource_spec(subject)
    mode = str(spec.get("mode") or "deployment")
    if mode not in MODES:
        return
    for field in MODE_FIELDS:
        if mode in field.supporting_modes or not field.is_used_in(spec):
            continue
        name = ".".join(str(step) for step in field.path)
        verb = "cannot have" if field.is_refused else "does nothing with"
        severity = SEVERITY_OF_RULE if field.is_refused else "warning"
        fix = f"Remove it, or use mode {' or '.join(field.supporting_modes)}."
        yield Fault((*_SPEC, *field.path), f"mode {mode} {verb} {name}", fix, severity=severity)


@about("custom_resource")
def resource_autoscaler(subject: Subject) -> Iterator[Fault]:
    """Yield autoscalers with missing or reversed bounds, or with metrics that the operator does not support."""
    spec = _resource_spec(subject)
    autoscaler, autoscaler_path = mapping_at(spec, "autoscaler"), (*_SPEC, "autoscaler")
    max_replicas = autoscaler.get("maxReplicas")
    if max_replicas is None and autoscaler.get("minReplicas") is not None:
        yield Fault(autoscaler_path, "it has minReplicas, and no maxReplicas", "Give maxReplicas too.")
    yield from _find_count_above(max_replicas, autoscaler, "minReplicas", autoscaler_path)
    yield from _find_count_above(max_replicas, spec, "replicas", _SPEC)
    yield from _find_wrong_windows(autoscaler, autoscaler_path)
    if max_replicas is not None:
        for index, metric in enumerate(list_at(autoscaler, "metrics")):
            yield from _find_metric_faults((*autoscaler_path, "metrics", index), metric)


def _find_count_above(
    max_replicas: Any, settings: Mapping[str, Any], count_name: str, settings_path: Path
) -> Iterator[Fault]:
    """Yield a number of replicas that is above the most that the autoscaler makes."""
    count = settings.get(count_name)
    if _is_number(count) and _is_number(max_replicas) and count > max_replicas:
        message = f"{count_name} {count} is above maxReplicas {max_replicas}"
        yield Fault((*settings_path, count_name), message, "Lower it, or raise maxReplicas.")


def _find_wrong_windows(autoscaler: Mapping[str, Any], autoscaler_path: Path) -> Iterator[Fault]:
    """Yield stabilization windows that Kubernetes rejects."""
    for direction in ("scaleUp", "scaleDown"):
        path = ("behavior", direction, "stabilizationWindowSeconds")
        window = value_at(autoscaler, path)
        if _is_number(window) and not 0 <= window <= _LONGEST_WINDOW:
            message = f"{window} is outside 0 to {_LONGEST_WINDOW} seconds"
            yield Fault((*autoscaler_path, *path), message, f"Write 0 to {_LONGEST_WINDOW}.")


def _find_metric_faults(metric_path: Path, metric: Any) -> Iterator[Fault]:
    """Yield what is wrong with a metric of an autoscaler."""
    metric_type = value_at(metric, ("type",))
    target = mapping_at(metric, "pods", "target")
    value_field = _TARGET_FIELDS.get(str(target.get("type")))
    if metric_type != "Pods":
        fix = "Use targetCPUUtilization and targetMemoryUtilization for resources."
        yield Fault(metric_path, f"a metric of type {metric_type} is not supported, only Pods is", fix)
    elif value_field is None:
        yield Fault(metric_path, "its target is neither an average value nor a value", "Write `type: AverageValue`.")
    elif _is_number(target.get(value_field)) and target[value_field] < 1:
        yield Fault(
            (*metric_path, "pods", "target", value_field), f"{target[value_field]} is below 1", "Write 1 or more."
        )


@about("custom_resource")
def resource_port(subject: Subject) -> Iterator[Fault]:
    """Yield ports of a custom resource whose name or number Kubernetes rejects."""
    for index, port in enumerate(list_at(_resource_spec(subject), "ports")):
        path = (*_SPEC, "ports", index)
        name = value_at(port, ("name",))
        if not isinstance(name, str) or not _PORT_NAME.match(name):
            message = f"'{name}' is not a valid port name" if name else "the port has no name"
            fix = "Use at most 15 lower-case letters, digits and single dashes, with a letter among them."
            yield Fault(path, message, fix)
        yield from _find_wrong_port_number((*path, "port"), value_at(port, ("port",)), least=1)
        # Kubernetes reads 0 as no port of the node, which is the default.
        yield from _find_wrong_port_number((*path, "hostPort"), value_at(port, ("hostPort",), 0), least=0)


def _find_wrong_port_number(path: Path, number: Any, *, least: int) -> Iterator[Fault]:
    """Yield the number of a port if Kubernetes rejects it."""
    is_valid = _is_number(number) and least <= number <= _LARGEST_PORT
    if not is_valid:
        yield Fault(path, f"{number} is not a valid port number", f"Write {least} to {_LARGEST_PORT}.")


@about("custom_resource")
def resource_host(subject: Subject) -> Iterator[Fault]:
    """Yield subdomain ingresses without a host name."""
    ingress = mapping_at(_resource_spec(subject), "ingress")
    if ingress.get("ruleType") == "subdomain" and ingress.get("hostname") in (None, "", "*"):
        yield Fault((*_SPEC, "ingress"), "subdomains need a parent host name", "Give `hostname`.")


def _resource_spec(subject: Subject) -> dict[str, Any]:
    """Return the spec of a custom resource; an empty one if there is none."""
    return mapping_at(subject.custom_resource, "spec")


def _is_number(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number; YAML's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


RULES = (
    *define_rules("error", resource_kind, resource_version, resource_config, resource_field, documentation=_API),
    *define_rules("error", resource_value, resource_mode, resource_autoscaler, resource_port, documentation=_API),
    *define_rules("error", resource_host, documentation=_API),
)
