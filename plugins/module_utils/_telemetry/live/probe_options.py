# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module otlp_probe, but for those of the cluster, as Ansible's argument specs have them. Private.

The types at the end describe the same options for the code that reads them. This file imports no other collection,
since the controller reads the options to check a task before it connects to a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from ..._kube.live.hidden import PARTLY_SECRET
from ..._otelcol.otlp_requests import OTLP_SIGNALS
from ..backend_kinds import BACKENDS
from ..lost_records import HopExporter

SIGNALS = list(OTLP_SIGNALS)
_REQUIRED_OPTION = {"required": True}
_TLS_FILES = {"ca_file": {"type": "path"}, "cert_file": {"type": "path"}, "key_file": {"type": "path", "no_log": False}}
# The API server forwards a request to one of these.
_RECEIVERS = ("service", "pod", "selector")
_VIA_OPTIONS = {
    "namespace": _REQUIRED_OPTION,
    **{name: {} for name in _RECEIVERS},
    "port": {"type": "int", "default": 4318},
}
_METRICS_PORT_OPTION = {"metrics_port": {"type": "int", "default": 8888}}
# The pods where test data must arrive, and whether their logs or their metrics are the evidence.
_ARRIVAL_OPTIONS = {
    "namespace": _REQUIRED_OPTION,
    "selector": _REQUIRED_OPTION,
    "evidence": {"choices": ["logs", "metrics"], "default": "logs"},
    **_METRICS_PORT_OPTION,
}
# A backend that the module asks for the test data.
_BACKEND_OPTIONS = {
    "kind": {"choices": [*BACKENDS], "required": True},
    "url": {"no_log": False},
    "headers": {"type": "dict", **PARTLY_SECRET},
    "ca_file": {"type": "path"},
    "index": {},
    "region": {},
    "profile": {},
    "role_arn": {},
    "log_group": {},
    "signals": {"type": "list", "elements": "str", "choices": SIGNALS},
    "attributes": {"type": "dict"},
}
# A collector on the way of the test data.
_HOP_OPTIONS = {
    "name": _REQUIRED_OPTION,
    "namespace": _REQUIRED_OPTION,
    "selector": _REQUIRED_OPTION,
    **_METRICS_PORT_OPTION,
    "exporters": {"type": "dict", "default": {}},
}
ARGUMENTS: dict[str, Any] = {
    "endpoint": {},
    "protocol": {"choices": ["grpc", "http/protobuf", "xray"]},
    "signals": {"type": "list", "elements": "str", "choices": SIGNALS, "default": SIGNALS},
    "headers": {"type": "dict", **PARTLY_SECRET},
    "tls": {"type": "dict", "options": {**_TLS_FILES, "insecure": {"type": "bool"}}},
    "service_name": {"default": "o11y-probe"},
    "span_status": {"choices": ["unset", "error"], "default": "unset"},
    "via": {
        "type": "dict",
        "options": _VIA_OPTIONS,
        "required_one_of": [_RECEIVERS],
        "mutually_exclusive": [_RECEIVERS],
    },
    "arrival": {"type": "dict", "options": _ARRIVAL_OPTIONS},
    "backends": {"type": "list", "elements": "dict", "options": _BACKEND_OPTIONS, "default": []},
    "hops": {"type": "list", "elements": "dict", "options": _HOP_OPTIONS, "default": []},
    "timeout_seconds": {"type": "float", "default": 30},
}
# Data goes to an address that this machine reaches, or through the API server.
_WAYS_TO_SEND = [("endpoint", "via")]
CONDITIONS: dict[str, Any] = {"required_one_of": _WAYS_TO_SEND, "mutually_exclusive": _WAYS_TO_SEND}


class ArrivalOptions(TypedDict):
    """Option `arrival`: the pods where test data must arrive."""

    namespace: str
    selector: str
    evidence: str
    """`logs` or `metrics`."""
    metrics_port: int


class _BackendKind(TypedDict):
    """The option that every row has."""

    kind: str


class BackendOptions(_BackendKind, total=False):
    """A row of option `backends`. A missing option may also be None."""

    url: str | None
    headers: Mapping[str, Any] | None
    ca_file: str | None
    index: str | None
    region: str | None
    profile: str | None
    role_arn: str | None
    log_group: str | None
    signals: list[str] | None
    attributes: Mapping[str, Any] | None
    """The attributes that the record must have; a value of None or an empty text allows any value."""


class HopOptions(TypedDict):
    """A row of option `hops`: a collector on the way of the test data."""

    name: str
    namespace: str
    selector: str
    metrics_port: int
    """0 if it serves no metrics that the API server reaches."""
    exporters: Mapping[str, HopExporter]
