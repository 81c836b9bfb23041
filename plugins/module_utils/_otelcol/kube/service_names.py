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
from .names import headless

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
# `NAME.NAMESPACE.svc…` has so many parts at least; with two it may be a domain of the internet.
_UNCLEAR = 2


class ServiceName(NamedTuple):
    """A Service, or empty texts for a host outside of the cluster; and whether the host can mean nothing else."""

    namespace: str
    name: str
    certain: bool


_OUTSIDE = ServiceName("", "", True)


def service_of(host: str, namespace: str) -> ServiceName:
    """Return the Service that a host means to a pod of a namespace."""
    parts = host.rstrip(".").split(".")
    if is_loopback(host) or not all(_LABEL.match(part) for part in parts):
        return _OUTSIDE
    if len(parts) == 1:
        return ServiceName(namespace, parts[0], True)
    if len(parts) == _UNCLEAR:
        return ServiceName(parts[1], parts[0], False)
    at_svc = parts.index("svc") if "svc" in parts else 0
    # A pod of a headless Service has its own name before.
    return ServiceName(parts[at_svc - 1], parts[at_svc - 2], True) if at_svc >= _UNCLEAR else _OUTSIDE


def headless_address(address: str, namespace: str) -> str:
    """Return the gRPC address of all pods behind a Service, for the Service's HOST:PORT; a URL stays as it is.

    Outside of the cluster, it is the address of all that the host's name stands for.
    """
    if "://" in address:
        return address
    if address.startswith("["):  # an IPv6 address
        return f"dns:///{address}"
    name, _dot, _rest = address.partition(":")[0].partition(".")
    of_pods = name.endswith(headless("")) or service_of(address.partition(":")[0], namespace).name != name
    return f"dns:///{address if of_pods else address.replace(name, headless(name), 1)}"
