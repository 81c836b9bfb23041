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
from .setting_fields import UNKNOWN, walk_fields
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
# What the rule on settings says of the fields of a label selector, and how many names it says at most.
_SELECTOR = "Known here: matchExpressions, matchLabels."
_FEW = 16

# What people call a field by the words of its documentation, where another field is spelled more like it.
_MEANT: dict[Path, str] = {("targetAllocator", "strategy"): "allocationStrategy"}


@about("resource")
def resource_version(subject: Subject) -> Iterator[Fault]:
    """Yield versions of a custom resource that no operator serves, or that are deprecated."""
    kind, version = _kind(subject), _version(subject)
    versions = subject.operator_kinds.get("kinds", {}).get(kind)
    if versions is None:
        return
    newest = f"{_GROUP}{max(versions, key=_age)}"
    use = at(subject.operator_kinds, ("deprecated", kind, version))
    if version not in versions:
        message = f"the operator serves no {kind} in {_resource(subject).get('apiVersion')}"
        yield Fault(("apiVersion",), message, f"Write `apiVersion: {newest}`.")
    elif use:
        fix = (
            f"Write `apiVersion: {newest}` and `config` as a mapping; or read it from a cluster, which converts it: "
            f"`kubectl -n NAMESPACE get {kind.lower()}s.{use}.opentelemetry.io NAME -o yaml`."
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
    if subject.resource and _kind(subject) == COLLECTOR and _spec(subject).get("config") in (None, {}, ""):
        fix = "Write the config of the Collector below `spec.config`."
        yield Fault(_SPEC, f"an {COLLECTOR} without `spec.config` starts no Collector", fix)


@about("resource")
def resource_field(subject: Subject) -> Iterator[Fault]:
    """Yield fields that a custom resource does not have; the API server rejects or drops them."""
    fields, kind = _fields(subject) or {}, _kind(subject)
    for key in (key for key in _resource(subject) if key not in _ROOT):
        below = key in fields
        fix = f"Write it below `spec`, as `spec.{key}`." if below else "Remove it."
        near_it = "" if below else near(str(key), _ROOT)
        yield Fault((key,), f"{_article(kind)} has no '{key}' beside its spec{near_it}", fix)
    for rule_id, fault in _misfits(subject):
        if rule_id == UNKNOWN:
            yield _unknown(fault, kind)


def _unknown(fault: Fault, kind: str) -> Fault:
    """Return the fault of an unknown field in the words of custom resources."""
    *around, key = fault.path
    hint = _MEANT.get((*around[1:], key), "")
    meant = f"; did you mean '{hint}'?" if hint else fault.message.partition("is not a setting here")[2]
    fix = fault.fix
    if fix == _SELECTOR and not meant:
        fix = f"Labels of a selector stand below `matchLabels`: write `matchLabels: {{{key}: VALUE}}`."
    elif fix.count(",") >= _FEW:
        fix = "Remove it, or look up its name for your version of the operator."
    return replace(fault, message=f"{_article(kind)} has no '{key}' here{meant}", fix=fix, severity="")


@about("resource")
def resource_value(subject: Subject) -> Iterator[Fault]:
    """Yield values that the schema of custom resources rejects: wrong types, unknown words, numbers out of range."""
    for rule_id, fault in _misfits(subject):
        if rule_id != UNKNOWN:
            yield replace(fault, severity="")
    spec = _spec(subject)
    for path, least in LEAST.items() if _kind(subject) == COLLECTOR else ():
        value = at(spec, path)
        if _number(value) and value < least:
            yield Fault((*_SPEC, *path), f"{value} is not a number of {least} or more", f"Write {least} or more.")


@once
def _misfits(subject: Subject) -> Iterator[tuple[str, Fault]]:
    """Yield what the schema of a custom resource refuses, with the rule on settings that would say so."""
    fields = _fields(subject)
    if fields is not None:
        yield from walk_fields(subject.operator_kinds["shared"], fields, _resource(subject).get("spec"), _SPEC)


def _fields(subject: Subject) -> dict[str, Any] | None:
    """Return the fields of the spec of a custom resource; None if its kind and version are not known."""
    found: dict[str, Any] | None = at(subject.operator_kinds, ("kinds", _kind(subject), _version(subject)))
    return found


def _resource(subject: Subject) -> Mapping[str, Any]:
    return subject.resource or {}


def _kind(subject: Subject) -> str:
    return str(_resource(subject).get("kind") or COLLECTOR)


def _version(subject: Subject) -> str:
    """Return the version of a custom resource; that of another group as a whole."""
    return str(_resource(subject).get("apiVersion")).removeprefix(_GROUP)


def _age(version: str) -> tuple[str, str]:
    """Return what sorts v1alpha1 before v1beta1."""
    return version[2:], version


def _article(kind: str) -> str:
    return f"{'a' if kind[0] not in 'AEIO' else 'an'} {kind}"


@about("resource")
def resource_mode(subject: Subject) -> Iterator[Fault]:
    """Yield fields that the mode of a custom resource does not support; they are rejected or ignored."""
    spec = _spec(subject)
    mode = str(spec.get("mode") or "deployment")
    for field in MODE_FIELDS if mode in MODES else ():
        value = at(spec, field.path)
        if mode in field.modes or value in EMPTY or field.value not in (..., value):
            continue
        name = ".".join(map(str, field.path))
        what = "cannot have" if field.refused else "does nothing with"
        message = f"mode {mode} {what} {name}"
        fix = f"Remove it, or use mode {' or '.join(field.modes)}."
        yield Fault((*_SPEC, *field.path), message, fix, severity="" if field.refused else "warning")


@about("resource")
def resource_autoscaler(subject: Subject) -> Iterator[Fault]:
    """Yield autoscalers with missing or reversed bounds, or with metrics that the operator does not support."""
    spec = _spec(subject)
    scaler, here = section(spec, "autoscaler"), (*_SPEC, "autoscaler")
    least, most, replicas = scaler.get("minReplicas"), scaler.get("maxReplicas"), spec.get("replicas")
    if least is not None and most is None:
        yield Fault(here, "it has minReplicas, and no maxReplicas", "Give maxReplicas too.")
    for name, value in (("minReplicas", least), ("replicas", replicas)):
        if _number(value) and _number(most) and value > most:
            path = (*here, name) if name in scaler else (*_SPEC, name)
            yield Fault(path, f"{name} {value} is above maxReplicas {most}", "Lower it, or raise maxReplicas.")
    for way in ("scaleUp", "scaleDown"):
        window = at(scaler, ("behavior", way, "stabilizationWindowSeconds"))
        if _number(window) and not 0 <= window <= _LONGEST_WINDOW:
            path = (*here, "behavior", way, "stabilizationWindowSeconds")
            yield Fault(path, f"{window} is outside 0 to {_LONGEST_WINDOW} seconds", f"Write 0 to {_LONGEST_WINDOW}.")
    for index, metric in enumerate(items(scaler, "metrics") if most is not None else []):
        yield from _metric((*here, "metrics", index), metric)


def _metric(path: Path, metric: Any) -> Iterator[Fault]:
    kind, target = at(metric, ("type",)), section(metric, "pods", "target")
    field = {"AverageValue": "averageValue", "Value": "value"}.get(str(target.get("type")))
    if kind != "Pods":
        fix = "Use targetCPUUtilization and targetMemoryUtilization for resources."
        yield Fault(path, f"a metric of type {kind} is not supported, only Pods is", fix)
    elif field is None:
        yield Fault(path, "its target is neither an average value nor a value", "Write `type: AverageValue`.")
    elif _number(target.get(field)) and target[field] < 1:
        yield Fault((*path, "pods", "target", field), f"{target[field]} is below 1", "Write 1 or more.")


@about("resource")
def resource_port(subject: Subject) -> Iterator[Fault]:
    """Yield ports of a custom resource whose name or number Kubernetes rejects."""
    for index, port in enumerate(items(_spec(subject), "ports")):
        name, number, path = at(port, ("name",)), at(port, ("port",)), (*_SPEC, "ports", index)
        if not isinstance(name, str) or not _PORT_NAME.match(name):
            fix = "Use at most 15 lower-case letters, digits and single dashes, with a letter among them."
            yield Fault(path, f"'{name}' is not a valid port name" if name else "the port has no name", fix)
        for key, value, least in (("port", number, 1), ("hostPort", at(port, ("hostPort",), 0), 0)):
            if not (_number(value) and least <= value <= _LARGEST_PORT):
                yield Fault((*path, key), f"{value} is not a valid port number", f"Write {least} to {_LARGEST_PORT}.")


@about("resource")
def resource_host(subject: Subject) -> Iterator[Fault]:
    """Yield subdomain ingresses without a host name."""
    ingress = section(_spec(subject), "ingress")
    if ingress.get("ruleType") == "subdomain" and ingress.get("hostname") in (None, "", "*"):
        yield Fault((*_SPEC, "ingress"), "subdomains need a parent host name", "Give `hostname`.")


def _spec(subject: Subject) -> dict[str, Any]:
    return section(subject.resource, "spec")


def _number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


RULES = (
    *rules("error", resource_kind, resource_version, resource_config, resource_field, documentation=_API),
    *rules("error", resource_value, resource_mode, resource_autoscaler, resource_port, documentation=_API),
    *rules("error", resource_host, documentation=_API),
)


DAEMONSET, DEPLOYMENT, SIDECAR, STATEFULSET = MODES = ("daemonset", "deployment", "sidecar", "statefulset")


class ModeField(NamedTuple):
    """A field of spec, the modes that support it, and whether the operator rejects or ignores it in other modes."""

    path: Path
    modes: tuple[str, ...]
    refused: bool = True
    value: Any = ...


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
