# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on health checks: the kubelet asks for them at the address of the pod.

Source: the README of extension healthcheck. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.extensions: warning [health-check-missing] no health_check answers probes: pods that hang keep running,
    and pods that are not ready receive data. Add extension `health_check: {endpoint: "[${env:MY_POD_IP}]:13133"}`,
    and list it in service.extensions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import is_loopback
from ..config.paths import list_at
from ..traits import EXTENSIONS, Trait, kind_of, types_with_traits
from .port_reachability import choose_pod_address
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_PROBES = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension"
_TYPES_ANSWERING_PROBES = types_with_traits(EXTENSIONS, Trait.ANSWERS_PROBES)


@about("deployment")
def health_check_missing(subject: Subject) -> Iterator[Fault]:
    """Yield collectors without a health check for the kubelet's probes."""
    if subject.deployment and subject.deployment.is_probed and not _answers_probes(subject):
        yield Fault(
            ("service", "extensions"),
            "no health_check answers probes: pods that hang keep running, and pods that are not ready receive data",
            'Add extension `health_check: {endpoint: "[${env:MY_POD_IP}]:13133"}`, and list it in service.extensions.',
        )


def _answers_probes(subject: Subject) -> bool:
    """Whether the collector starts an extension that answers probes."""
    started_ids = list_at(subject.config, "service", "extensions")
    return any(
        isinstance(extension_id, str) and kind_of(extension_id) in _TYPES_ANSWERING_PROBES
        for extension_id in started_ids
    )


@about("deployment")
def health_check_unreachable(subject: Subject) -> Iterator[Fault]:
    """Yield health checks on the loopback address, which the kubelet cannot reach."""
    if not subject.deployment or not subject.deployment.is_probed:
        return
    for listener in subject.view.listeners:
        part = listener.part
        if part and part.kind in _TYPES_ANSWERING_PROBES and is_loopback(listener.host):
            message = f"'{part.id}' listens on {listener.host}, but the kubelet probes the address of the pod"
            # Such as `endpoint: "[${env:MY_POD_IP}]:13133"`.
            reachable_setting = listener.describe_host_setting(choose_pod_address(listener))
            yield Fault(listener.path, message, f"Write `{reachable_setting}`.")


RULES = define_rules("warning", health_check_missing, health_check_unreachable, documentation=_PROBES)
