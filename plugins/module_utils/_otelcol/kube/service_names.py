# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Service of the cluster a host name means. Private.

Source: kubernetes.io, "DNS for Services and Pods".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..config.addresses import is_loopback
from .names import headless_service_name

_LABEL_PATTERN = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
# `NAME.NAMESPACE.svc…` has so many parts at least; with two it may be a domain of the internet.
_UNCLEAR_LABELS = 2


class ServiceName(NamedTuple):
    """A Service, or empty texts for a host outside of the cluster; and whether the host can mean nothing else."""

    namespace: str
    name: str
    is_certain: bool


_OUTSIDE_OF_CLUSTER = ServiceName("", "", True)


def resolve_service(host: str, namespace: str) -> ServiceName:
    """Return the Service that a host means to a pod of a namespace."""
    labels = host.rstrip(".").split(".")
    if is_loopback(host) or not all(_LABEL_PATTERN.match(part) for part in labels):
        return _OUTSIDE_OF_CLUSTER
    if len(labels) == 1:
        return ServiceName(namespace, labels[0], True)
    if len(labels) == _UNCLEAR_LABELS:
        return ServiceName(labels[1], labels[0], False)
    svc_index = labels.index("svc") if "svc" in labels else 0
    # A pod of a headless Service has its own name before.
    return (
        ServiceName(labels[svc_index - 1], labels[svc_index - 2], True)
        if svc_index >= _UNCLEAR_LABELS
        else _OUTSIDE_OF_CLUSTER
    )


def headless_address(address: str, namespace: str) -> str:
    """Return the gRPC address of all pods behind a Service, for the Service's HOST:PORT; a URL stays as it is.

    Outside of the cluster, it is the address of all that the host's name stands for.
    """
    if "://" in address:
        return address
    if address.startswith("["):  # an IPv6 address
        return f"dns:///{address}"
    service_name, _dot, _rest = address.partition(":")[0].partition(".")
    needs_no_change = (
        service_name.endswith(headless_service_name(""))
        or resolve_service(address.partition(":")[0], namespace).name != service_name
    )
    if needs_no_change:
        return f"dns:///{address}"
    return f"dns:///{address.replace(service_name, headless_service_name(service_name), 1)}"
