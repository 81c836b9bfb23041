# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module otlp_probe takes, beside the connection to a cluster. Imports no other collection. Private."""

from __future__ import annotations

from typing import Any

from ..._kube.live.hidden import PARTLY_SECRET
from ..backend_queries import BACKENDS

SIGNALS = ["traces", "metrics", "logs"]
REQUIRED = {"required": True}
TLS = {"ca_file": {"type": "path"}, "cert_file": {"type": "path"}, "key_file": {"type": "path", "no_log": False}}
TO = ("service", "pod", "selector")
VIA = {"namespace": REQUIRED, **{name: {} for name in TO}, "port": {"type": "int", "default": 4318}}
EVIDENCE = {"choices": ["logs", "metrics"], "default": "logs"}
ARRIVAL = {"namespace": REQUIRED, "selector": REQUIRED, "evidence": EVIDENCE}
ARRIVAL_PORT = {"metrics_port": {"type": "int", "default": 8888}}
BACKEND = {
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
HOP = {"name": REQUIRED, "namespace": REQUIRED, "selector": REQUIRED, **ARRIVAL_PORT}
HOP_EXPORTERS = {"exporters": {"type": "dict", "default": {}}}
ARGUMENTS: dict[str, Any] = {
    "endpoint": {},
    "protocol": {"choices": ["grpc", "http/protobuf", "xray"]},
    "signals": {"type": "list", "elements": "str", "choices": SIGNALS, "default": SIGNALS},
    "headers": {"type": "dict", **PARTLY_SECRET},
    "tls": {"type": "dict", "options": TLS | {"insecure": {"type": "bool"}}},
    "service_name": {"default": "o11y-probe"},
    "span_status": {"choices": ["unset", "error"], "default": "unset"},
    "via": {"type": "dict", "options": VIA, "required_one_of": [TO], "mutually_exclusive": [TO]},
    "arrival": {"type": "dict", "options": ARRIVAL | ARRIVAL_PORT},
    "backends": {"type": "list", "elements": "dict", "options": BACKEND, "default": []},
    "hops": {"type": "list", "elements": "dict", "options": HOP | HOP_EXPORTERS, "default": []},
    "timeout_seconds": {"type": "float", "default": 30},
}
# What the module asks beside each argument alone.
ONE_OF = [("endpoint", "via")]
CONDITIONS: dict[str, Any] = {"required_one_of": ONE_OF, "mutually_exclusive": ONE_OF}
