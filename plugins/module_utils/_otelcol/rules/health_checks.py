# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on health checks: the kubelet asks for them at the address of the pod.

Source: the README of extension healthcheck. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import is_loopback
from ..config.paths import items
from ..traits import EXTENSIONS, Trait, kind_of, types_that
from .port_reachability import address_of_pod
from .subject import Fault, Subject, about, rules

_PROBES = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension"
_ANSWERING = types_that(EXTENSIONS, Trait.ANSWERS_PROBES)


@about("deployment")
def health_check_missing(subject: Subject) -> Iterator[Fault]:
    """Yield collectors without a health check for the kubelet's probes."""
    if subject.deployment and subject.deployment.probed and not _answers_probes(subject):
        yield Fault(
            ("service", "extensions"),
            "no health_check answers probes: pods that hang keep running, and pods that are not ready receive data",
            'Add extension `health_check: {endpoint: "[${env:MY_POD_IP}]:13133"}`, and list it in service.extensions.',
        )


def _answers_probes(subject: Subject) -> bool:
    """Whether the collector starts an extension that answers probes."""
    started = items(subject.config, "service", "extensions")
    return any(isinstance(name, str) and kind_of(name) in _ANSWERING for name in started)


@about("deployment")
def health_check_unreachable(subject: Subject) -> Iterator[Fault]:
    """Yield health checks on the loopback address, which the kubelet cannot reach."""
    if not subject.deployment or not subject.deployment.probed:
        return
    for listener in subject.view.listeners:
        part = listener.part
        if part and part.kind in _ANSWERING and is_loopback(listener.host):
            message = f"'{part.id}' listens on {listener.host}, but the kubelet probes the address of the pod"
            yield Fault(listener.path, message, f"Write `{listener.at(address_of_pod(listener))}`.")


RULES = rules("warning", health_check_missing, health_check_unreachable, documentation=_PROBES)
