# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Service of the cluster a host name means, and the gRPC address of all pods behind a Service. Private.

The addresses of exporters are host names: `find_peers` asks here which Services a config sends to. Exporters that
balance their load need the addresses of all pods: recipes get them by the filter `headless`, which is
`headless_address`.

Source: kubernetes.io, "DNS for Services and Pods".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..config.addresses import is_loopback
from .names import headless_service_name

_LABEL_PATTERN = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
# Of a name such as `gateway.obs`, nobody knows whether it is Service `gateway` in namespace `obs`, or a domain.
_LABELS_OF_UNCLEAR_NAME = 2
# In `NAME.NAMESPACE.svc…`, the label `svc` follows at least these labels: the Service and its namespace.
_LEAST_SVC_INDEX = 2
# gRPC asks DNS for all addresses of a name after this scheme, and sends to each of them.
_GRPC_DNS = "dns:///"


class ServiceName(NamedTuple):
    """The Service that a host means; texts are empty for a host outside of the cluster."""

    namespace: str
    name: str
    is_certain: bool
    """Whether the host can mean nothing else."""


_OUTSIDE_OF_CLUSTER = ServiceName("", "", is_certain=True)


def resolve_service(host: str, namespace: str) -> ServiceName:
    """Return the Service that a host means to a pod of a namespace.

    In namespace `app`:

    | host | Service | certain? |
    |---|---|---|
    | `gateway` | `gateway` in `app` | yes |
    | `gateway.obs` | `gateway` in `obs` | no, it may be a domain of the internet |
    | `gateway.obs.svc.cluster.local` | `gateway` in `obs` | yes |
    | `pod-0.gateway.obs.svc` | `gateway` in `obs` | yes, the first label is a pod of a headless Service |
    | `otel.example.com`, `127.0.0.1` | none | yes |
    """
    labels = host.rstrip(".").split(".")
    if is_loopback(host) or not all(_LABEL_PATTERN.match(label) for label in labels):
        return _OUTSIDE_OF_CLUSTER
    if len(labels) == 1:
        return ServiceName(namespace, labels[0], is_certain=True)
    if len(labels) == _LABELS_OF_UNCLEAR_NAME:
        return ServiceName(labels[1], labels[0], is_certain=False)
    svc_index = labels.index("svc") if "svc" in labels else 0
    if svc_index < _LEAST_SVC_INDEX:
        return _OUTSIDE_OF_CLUSTER
    return ServiceName(labels[svc_index - 1], labels[svc_index - 2], is_certain=True)


def headless_address(address: str, namespace: str) -> str:
    """Return the gRPC address of all pods behind a Service, for the Service's HOST:PORT; a URL stays as it is.

    A Service with an address of its own hides its pods, so the address is that of its headless twin, whose name this
    collection forms. In namespace `obs`:

    | address | result |
    |---|---|
    | `gateway:4317` | `dns:///gateway-headless:4317` |
    | `gateway-headless.obs.svc:4317` | `dns:///gateway-headless.obs.svc:4317` |
    | `otel.example.com:4317` | `dns:///otel.example.com:4317` |
    | `[2001:db8::1]:4317` | `dns:///[2001:db8::1]:4317` |
    | `https://otel.example.com` | `https://otel.example.com` |
    """
    if "://" in address:
        return address
    is_ipv6_address = address.startswith("[")
    if is_ipv6_address:
        return f"{_GRPC_DNS}{address}"
    host = address.partition(":")[0]
    first_label = host.partition(".")[0]
    is_headless = first_label.endswith(headless_service_name(""))
    if is_headless or resolve_service(host, namespace).name != first_label:
        return f"{_GRPC_DNS}{address}"
    return f"{_GRPC_DNS}{headless_service_name(first_label)}{address.removeprefix(first_label)}"
