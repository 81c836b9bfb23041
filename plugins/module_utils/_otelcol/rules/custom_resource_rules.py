# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on custom resources of the operator: values that its CRD or webhook rejects.

Source: the CRD of OpenTelemetryCollector with its CEL rules, and Validate in the operator's internal/webhook. Whether
`mode` was another before, and what the user's account may do, only the cluster knows. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeGuard

from ..config.paths import Path, at, items, section
from ..errors import near
from .field_walk import UNKNOWN_FIELD, walk_fields
from .subject import Fault, Subject, about, once, rules

_API = "https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/opentelemetrycollectors.md"
_SPEC: Path = ("spec",)
_ROOT = ("apiVersion", "kind", "metadata", "spec", "status")
_GROUP = "opentelemetry.io/"
COLLECTOR = "OpenTelemetryCollector"
# Kinds of the group that the table lacks: a preview of 0.158 has this one in another manifest.
OTHER_KINDS = ("ClusterObservability",)
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*\Z")
_LARGEST_PORT = 65535
_LONGEST_WINDOW = 3600
# The fields with the value of a metric, by the type of its target.
_TARGET_FIELDS = {"AverageValue": "averageValue", "Value": "value"}
# What the rule on settings says of the fields of a label selector, and how many names it says at most.
_SELECTOR = "Known here: matchExpressions, matchLabels."
_FEW = 16

# What people call a field by the words of its documentation, where another field is spelled more like it.
_MEANT: dict[Path, str] = {("targetAllocator", "strategy"): "allocationStrategy"}

DAEMONSET, DEPLOYMENT, SIDECAR, STATEFULSET = MODES = ("daemonset", "deployment", "sidecar", "statefulset")


class ModeField(NamedTuple):
    """A field of spec, the modes that support it, and whether the operator rejects or ignores it in other modes.

    With `value`, only that value needs one of the modes.
    """

    path: Path
    modes: tuple[str, ...]
    refused: bool = True
    value: Any = ...

    def is_used_in(self, spec: Mapping[str, Any]) -> bool:
        """Whether a spec has the field, with the value that needs one of the modes."""
        given = at(spec, self.path)
        return given not in EMPTY and self.value in (..., given)


_PODS = (DAEMONSET, DEPLOYMENT, STATEFULSET)
_COUNTED = (DEPLOYMENT, STATEFULSET)
MODE_FIELDS = (
    ModeField(("tolerations",), _PODS),
    ModeField(("priorityClassName",), _PODS),
    ModeField(("affinity",), _PODS),
    ModeField(("additionalContainers",), _PODS),
    ModeField(("volumeClaimTemplates",), (STATEFULSET,)),
    ModeField(("persistentVolumeClaimRetentionPolicy",), (STATEFULSET,)),
    ModeField(("daemonSetUpdateStrategy", "type"), (DAEMONSET,)),
    ModeField(("deploymentUpdateStrategy", "type"), (DEPLOYMENT,)),
    ModeField(("ingress", "type"), _PODS, value="ingress"),
    ModeField(("topologySpreadConstraints",), _COUNTED, refused=False),
    ModeField(("podDisruptionBudget",), _COUNTED, refused=False),
    ModeField(("serviceName",), (STATEFULSET,), refused=False),
    ModeField(("podManagementPolicy",), (STATEFULSET,), refused=False),
    ModeField(("nodeSelector",), _PODS, refused=False),
    ModeField(("hostNetwork",), _PODS, refused=False),
    ModeField(("podSecurityContext",), _PODS, refused=False),
    ModeField(("podAnnotations",), _PODS, refused=False),
    ModeField(("terminationGracePeriodSeconds",), _PODS, refused=False),
)
# Values that count as absent: an empty list or text, but not an empty mapping.
EMPTY: tuple[Any, ...] = (None, [], "", False)

_PROBE = {
    "failureThreshold": 1,
    "initialDelaySeconds": 0,
    "periodSeconds": 1,
    "successThreshold": 1,
    "terminationGracePeriodSeconds": 1,
    "timeoutSeconds": 1,
}
LEAST: dict[Path, int] = {
    ("configVersions",): 1,
    ("autoscaler", "minReplicas"): 1,
    ("autoscaler", "maxReplicas"): 1,
    ("autoscaler", "targetCPUUtilization"): 1,
    ("autoscaler", "targetMemoryUtilization"): 1,
    **{
        (probe, key): value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for key, value in _PROBE.items()
    },
}


@about("resource")
def resource_version(subject: Subject) -> Iterator[Fault]:
    """Yield versions of a custom resource that no operator serves, or that are deprecated."""
    kind, version = _kind(subject), _version(subject)
    versions = subject.operator_kinds.get("kinds", {}).get(kind)
    if versions is None:
        return
    newest = f"{_GROUP}{max(versions, key=_age_of)}"
    if version not in versions:
        message = f"the operator serves no {kind} in {_resource(subject).get('apiVersion')}"
        yield Fault(("apiVersion",), message, f"Write `apiVersion: {newest}`.")
        return
    converted_version = at(subject.operator_kinds, ("deprecated", kind, version))
    if converted_version:
        fix = (
            f"Write `apiVersion: {newest}` and `config` as a mapping; or read it from a cluster, which converts it: "
            f"`kubectl -n NAMESPACE get {kind.lower()}s.{converted_version}.opentelemetry.io NAME -o yaml`."
        )
        yield Fault(("apiVersion",), f"{kind} in {version} is deprecated", fix, severity="info")


@about("resource")
def resource_kind(subject: Subject) -> Iterator[Fault]:
    """Yield custom resources of the operator's group whose kind no operator has."""
    kinds, kind = subject.operator_kinds.get("kinds", {}), _kind(subject)
    if kinds and kind not in (*kinds, *OTHER_KINDS):
        yield Fault(("kind",), f"the operator has no kind '{kind}'{near(kind, kinds)}", f"Known: {', '.join(kinds)}.")


@about("resource")
def resource_config(subject: Subject) -> Iterator[Fault]:
    """Yield OpenTelemetryCollectors without a config."""
    if not subject.resource or _kind(subject) != COLLECTOR:
        return
    if _spec(subject).get("config") in (None, {}, ""):
        fix = "Write the config of the Collector below `spec.config`."
        yield Fault(_SPEC, f"an {COLLECTOR} without `spec.config` starts no Collector", fix)


@about("resource")
def resource_field(subject: Subject) -> Iterator[Fault]:
    """Yield fields that a custom resource does not have; the API server rejects or drops them."""
    fields, kind = _fields(subject) or {}, _kind(subject)
    for key in _resource(subject):
        if key not in _ROOT:
            yield _misplaced_field(key, kind, is_of_spec=key in fields)
    for rule_id, fault in _misfits(subject):
        if rule_id == UNKNOWN_FIELD:
            yield _unknown_field(fault, kind)


def _misplaced_field(key: str, kind: str, *, is_of_spec: bool) -> Fault:
    """Return the fault of a field that stands beside the spec of a custom resource."""
    message = f"{_article(kind)} has no '{key}' beside its spec"
    if is_of_spec:
        return Fault((key,), message, f"Write it below `spec`, as `spec.{key}`.")
    return Fault((key,), f"{message}{near(str(key), _ROOT)}", "Remove it.")


def _unknown_field(fault: Fault, kind: str) -> Fault:
    """Return the fault of an unknown field in the words of custom resources."""
    *around, key = fault.path
    known_slip = _MEANT.get((*around[1:], key))
    hint = fault.message.partition("is not a setting here")[2]
    if known_slip:
        hint = f"; did you mean '{known_slip}'?"
    fix = fault.fix
    if fix == _SELECTOR and not hint:
        fix = f"Labels of a selector stand below `matchLabels`: write `matchLabels: {{{key}: VALUE}}`."
    elif fix.count(",") >= _FEW:
        fix = "Remove it, or look up its name for your version of the operator."
    return replace(fault, message=f"{_article(kind)} has no '{key}' here{hint}", fix=fix, severity="")


@about("resource")
def resource_value(subject: Subject) -> Iterator[Fault]:
    """Yield values that the schema of custom resources rejects: wrong types, unknown words, numbers out of range."""
    for rule_id, fault in _misfits(subject):
        if rule_id != UNKNOWN_FIELD:
            yield replace(fault, severity="")
    if _kind(subject) != COLLECTOR:
        return
    for path, least in LEAST.items():
        value = at(_spec(subject), path)
        if _is_number(value) and value < least:
            yield Fault((*_SPEC, *path), f"{value} is not a number of {least} or more", f"Write {least} or more.")


@once
def _misfits(subject: Subject) -> Iterator[tuple[str, Fault]]:
    """Yield what the schema of a custom resource refuses, with the rule on settings that would say so."""
    fields = _fields(subject)
    if fields is not None:
        yield from walk_fields(subject.operator_kinds["shared"], fields, _resource(subject).get("spec"), _SPEC)


def _fields(subject: Subject) -> dict[str, Any] | None:
    """Return the fields of the spec of a custom resource; None if its kind and version are not known."""
    fields: dict[str, Any] | None = at(subject.operator_kinds, ("kinds", _kind(subject), _version(subject)))
    return fields


def _resource(subject: Subject) -> Mapping[str, Any]:
    """Return the custom resource that a subject is in; an empty one if there is none."""
    return subject.resource or {}


def _kind(subject: Subject) -> str:
    """Return the kind of a custom resource; without one, a config is that of a collector."""
    return str(_resource(subject).get("kind") or COLLECTOR)


def _version(subject: Subject) -> str:
    """Return the version of a custom resource; that of another group as a whole."""
    return str(_resource(subject).get("apiVersion")).removeprefix(_GROUP)


def _age_of(version: str) -> tuple[str, str]:
    """Return what sorts v1alpha1 before v1beta1."""
    return version[2:], version


def _article(kind: str) -> str:
    """Return a kind with its article."""
    article = "an" if kind[0] in "AEIO" else "a"
    return f"{article} {kind}"


@about("resource")
def resource_mode(subject: Subject) -> Iterator[Fault]:
    """Yield fields that the mode of a custom resource does not support; they are rejected or ignored."""
    spec = _spec(subject)
    mode = str(spec.get("mode") or "deployment")
    if mode not in MODES:
        return
    for field in MODE_FIELDS:
        if mode in field.modes or not field.is_used_in(spec):
            continue
        name = ".".join(str(step) for step in field.path)
        verb = "cannot have" if field.refused else "does nothing with"
        severity = "" if field.refused else "warning"
        fix = f"Remove it, or use mode {' or '.join(field.modes)}."
        yield Fault((*_SPEC, *field.path), f"mode {mode} {verb} {name}", fix, severity=severity)


@about("resource")
def resource_autoscaler(subject: Subject) -> Iterator[Fault]:
    """Yield autoscalers with missing or reversed bounds, or with metrics that the operator does not support."""
    spec = _spec(subject)
    scaler, here = section(spec, "autoscaler"), (*_SPEC, "autoscaler")
    most = scaler.get("maxReplicas")
    if most is None and scaler.get("minReplicas") is not None:
        yield Fault(here, "it has minReplicas, and no maxReplicas", "Give maxReplicas too.")
    yield from _count_above(most, scaler, "minReplicas", here)
    yield from _count_above(most, spec, "replicas", _SPEC)
    yield from _wrong_windows(scaler, here)
    if most is not None:
        for index, metric in enumerate(items(scaler, "metrics")):
            yield from _metric_faults((*here, "metrics", index), metric)


def _count_above(most: Any, settings: Mapping[str, Any], name: str, here: Path) -> Iterator[Fault]:
    """Yield a number of replicas that is above the most that the autoscaler makes."""
    value = settings.get(name)
    if _is_number(value) and _is_number(most) and value > most:
        message = f"{name} {value} is above maxReplicas {most}"
        yield Fault((*here, name), message, "Lower it, or raise maxReplicas.")


def _wrong_windows(scaler: Mapping[str, Any], here: Path) -> Iterator[Fault]:
    """Yield stabilization windows that Kubernetes rejects."""
    for direction in ("scaleUp", "scaleDown"):
        path = ("behavior", direction, "stabilizationWindowSeconds")
        window = at(scaler, path)
        if _is_number(window) and not 0 <= window <= _LONGEST_WINDOW:
            message = f"{window} is outside 0 to {_LONGEST_WINDOW} seconds"
            yield Fault((*here, *path), message, f"Write 0 to {_LONGEST_WINDOW}.")


def _metric_faults(path: Path, metric: Any) -> Iterator[Fault]:
    """Yield what is wrong with a metric of an autoscaler."""
    kind = at(metric, ("type",))
    target = section(metric, "pods", "target")
    field = _TARGET_FIELDS.get(str(target.get("type")))
    if kind != "Pods":
        fix = "Use targetCPUUtilization and targetMemoryUtilization for resources."
        yield Fault(path, f"a metric of type {kind} is not supported, only Pods is", fix)
    elif field is None:
        yield Fault(path, "its target is neither an average value nor a value", "Write `type: AverageValue`.")
    elif _is_number(target.get(field)) and target[field] < 1:
        yield Fault((*path, "pods", "target", field), f"{target[field]} is below 1", "Write 1 or more.")


@about("resource")
def resource_port(subject: Subject) -> Iterator[Fault]:
    """Yield ports of a custom resource whose name or number Kubernetes rejects."""
    for index, port in enumerate(items(_spec(subject), "ports")):
        path = (*_SPEC, "ports", index)
        name = at(port, ("name",))
        if not isinstance(name, str) or not _PORT_NAME.match(name):
            message = f"'{name}' is not a valid port name" if name else "the port has no name"
            fix = "Use at most 15 lower-case letters, digits and single dashes, with a letter among them."
            yield Fault(path, message, fix)
        yield from _wrong_port_number((*path, "port"), at(port, ("port",)), least=1)
        yield from _wrong_port_number((*path, "hostPort"), at(port, ("hostPort",), 0), least=0)


def _wrong_port_number(path: Path, number: Any, *, least: int) -> Iterator[Fault]:
    """Yield the number of a port if Kubernetes rejects it."""
    is_valid = _is_number(number) and least <= number <= _LARGEST_PORT
    if not is_valid:
        yield Fault(path, f"{number} is not a valid port number", f"Write {least} to {_LARGEST_PORT}.")


@about("resource")
def resource_host(subject: Subject) -> Iterator[Fault]:
    """Yield subdomain ingresses without a host name."""
    ingress = section(_spec(subject), "ingress")
    if ingress.get("ruleType") == "subdomain" and ingress.get("hostname") in (None, "", "*"):
        yield Fault((*_SPEC, "ingress"), "subdomains need a parent host name", "Give `hostname`.")


def _spec(subject: Subject) -> dict[str, Any]:
    """Return the spec of a custom resource; an empty one if there is none."""
    return section(subject.resource, "spec")


def _is_number(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number; YAML's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


RULES = (
    *rules("error", resource_kind, resource_version, resource_config, resource_field, documentation=_API),
    *rules("error", resource_value, resource_mode, resource_autoscaler, resource_port, documentation=_API),
    *rules("error", resource_host, documentation=_API),
)
