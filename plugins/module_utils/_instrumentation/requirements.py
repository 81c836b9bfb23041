# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster must have before an Instrumentation is of use. Private.

Action instrumentation_render lists the requirements, and module instrumentation_check looks for them in the cluster
(`live/prerequisites.py`). Example: an Instrumentation of Python with the endpoint `http://gateway.otel.svc:4318` needs
the target

    {"namespace": "otel", "service": "gateway", "port": 4318, "scheme": "http", "path": "", "protocol": "http/protobuf",
     "signals": ["traces", "metrics", "logs"], "languages": ["python"]}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypedDict

from .._otelcol.kube.objects import Manifest
from .._otelcol.otlp_requests import OTLP_SIGNALS
from .exports import Export
from .instrumentation import Instrumentation

# The kinds of objects with certificates, by the option of `tls` that names one.
_KIND_BY_TLS_OPTION = {"secret_name": "Secret", "config_map_name": "ConfigMap"}


class ExportTarget(TypedDict):
    """A port of a Service that applications will send to, and what they will send there."""

    namespace: str
    service: str
    port: int
    scheme: str
    """`http` or `https`."""
    path: str
    protocol: str
    """`grpc` or `http/protobuf`."""
    signals: list[str]
    languages: list[str]


class NeededFile(TypedDict):
    """A Secret or ConfigMap with certificates."""

    kind: str
    namespace: str
    name: str


class Requirements(TypedDict):
    """What the Instrumentations of an inventory need. It goes from instrumentation_render to instrumentation_check."""

    languages: list[str]
    """The languages that the operator must instrument."""
    targets: list[ExportTarget]
    namespaces: list[Manifest]
    """The namespaces to annotate, each with its new annotations alone."""
    coming: list[str]
    """The namespaces that are created together with the Instrumentations."""
    references: list[str]
    """The Instrumentations as NAMESPACE/NAME."""
    files: list[NeededFile]
    trials: list[Manifest]
    """The custom resources, to try the webhooks of the operator with."""


class _TargetKey(NamedTuple):
    """The fields that tell a target from all others."""

    namespace: str
    service: str
    port: int
    scheme: str
    path: str
    protocol: str


def list_export_targets(instrumentations: Iterable[Instrumentation]) -> list[ExportTarget]:
    """Return the ports of Services that applications will send to, each once, with what they will send there."""
    targets_by_key: dict[_TargetKey, ExportTarget] = {}
    for instrumentation in instrumentations:
        annotated_namespaces = sorted(set(_list_annotated_namespaces(instrumentation)))
        namespaces = tuple(annotated_namespaces) or (instrumentation.namespace,)
        for export in instrumentation.exports:
            for key in _list_target_keys(export, namespaces):
                target = targets_by_key.get(key) or _new_target(key)
                targets_by_key[key] = _with_export(target, export)
    return list(targets_by_key.values())


def _list_target_keys(export: Export, namespaces: tuple[str, ...]) -> list[_TargetKey]:
    """Return the targets of an export: one for each Service that its endpoint means."""
    endpoint = export.endpoint
    keys = []
    for service in endpoint.list_meant_services(namespaces):
        key = _TargetKey(
            namespace=service.namespace,
            service=service.name,
            port=endpoint.port,
            scheme=endpoint.scheme,
            path=endpoint.path,
            protocol=export.protocol,
        )
        keys.append(key)
    return keys


def _new_target(key: _TargetKey) -> ExportTarget:
    """Return a target to which nothing is sent yet."""
    return {
        "namespace": key.namespace,
        "service": key.service,
        "port": key.port,
        "scheme": key.scheme,
        "path": key.path,
        "protocol": key.protocol,
        "signals": [],
        "languages": [],
    }


def _with_export(target: ExportTarget, export: Export) -> ExportTarget:
    """Return a target that also gets the signals of an export, from its language."""
    sent_signals = {*target["signals"], *export.signals}
    signals = [signal for signal in OTLP_SIGNALS if signal in sent_signals]
    languages = sorted({*target["languages"], export.language.name})
    return {**target, "signals": signals, "languages": languages}


def _list_annotated_namespaces(instrumentation: Instrumentation) -> list[str]:
    """Return the names of the namespaces whose pods are instrumented. An entry is a name, or a mapping with one."""
    return [entry if isinstance(entry, str) else entry["name"] for entry in instrumentation.namespaces]


def list_needed_files(instrumentations: Iterable[Instrumentation]) -> list[NeededFile]:
    """Return the Secrets and ConfigMaps with certificates that each annotated namespace must have, each once.

    The operator does not instrument a pod whose namespace lacks them.
    """
    needed_files: list[NeededFile] = []
    for instrumentation in instrumentations:
        for namespace in _list_annotated_namespaces(instrumentation):
            for file in _list_files_in(namespace, instrumentation):
                if file not in needed_files:
                    needed_files.append(file)
    return needed_files


def _list_files_in(namespace: str, instrumentation: Instrumentation) -> list[NeededFile]:
    """Return the Secret and the ConfigMap with certificates that a namespace must have for an Instrumentation."""
    files: list[NeededFile] = []
    for option, kind in _KIND_BY_TLS_OPTION.items():
        if option in instrumentation.tls:
            files.append({"kind": kind, "namespace": namespace, "name": instrumentation.tls[option]})
    return files
