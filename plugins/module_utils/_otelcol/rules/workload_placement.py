# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on how often a collector runs: components that must run once, or that a sidecar cannot have.

Sources: the READMEs of the Kubernetes receivers and of k8s_leader_elector in opentelemetry-collector-contrib. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.k8sobjects: warning [singleton] 'k8sobjects' reports every requested object, and there is one on every
    node. Move it to a separate collector with mode deployment and `replicas: 1`, or name an extension
    k8s_leader_elector as its `k8s_leader_elector`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import mapping_at
from ..needs.started_components import StartedComponent
from ..traits import kind_of
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Deployment, Subject

_ELECTOR_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/k8sleaderelector"
)
_ELECTOR_KIND = "k8sleaderelector"
# Every replica of these receivers reports the same data.
_SINGLETONS = {
    "k8scluster": "metrics of the whole cluster",
    "k8sevents": "every event of the cluster",
    "k8sobjects": "every requested object",
}
_FIX_OF_SINGLETONS = (
    "Move it to a separate collector with mode deployment and `replicas: 1`, "
    "or name an extension k8s_leader_elector as its `k8s_leader_elector`."
)
_LEASE_KEYS = ("lease_name", "lease_namespace")
# The modes in which a collector runs once on each host, and sees its files: `service` is that of systemd.
ON_EACH_HOST = ("daemonset", "service")
_COPIES_OF_MODES = {"daemonset": "one on every node", "sidecar": "one in every pod that has the sidecar"}


def describe_copies(deployment: Deployment | None) -> str:
    """Return the number of replicas of a collector in words; empty if it is one or unknown."""
    if deployment is None:
        return ""
    if deployment.mode in _COPIES_OF_MODES:
        return _COPIES_OF_MODES[deployment.mode]
    if deployment.is_autoscaled:
        return "an autoscaler that adds replicas"
    if (deployment.replicas or 0) > 1:
        return f"more than one replica ({deployment.replicas})"
    return ""


@about("deployment")
def singleton(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that report the whole cluster and run more than once; all data arrives repeatedly."""
    deployment = subject.deployment
    copies = describe_copies(deployment)
    if not deployment or not copies:
        return
    is_certain = (deployment.replicas or 0) > 1  # an agent or autoscaler may have one copy at run time
    for part in subject.view.find_parts("receivers", *_SINGLETONS):
        if not _has_elector(part):
            message = f"'{part.id}' reports {_SINGLETONS[part.kind]}, and there is {copies}"
            yield Fault(part.path, message, _FIX_OF_SINGLETONS, severity=SEVERITY_OF_RULE if is_certain else "warning")


def _has_elector(part: StartedComponent) -> bool:
    """Whether a receiver names a leader elector, so that one copy of it reports at a time."""
    return any(str(key).endswith("leader_elector") for key in part.settings)


@about("deployment")
def sidecar_limits(subject: Subject) -> Iterator[Fault]:
    """Yield leader electors in sidecars; the ServiceAccounts of their pods have no permission for leases."""
    if not subject.deployment or subject.deployment.mode != "sidecar":
        return
    for part in subject.view.find_parts("extensions", _ELECTOR_KIND):
        message = f"'{part.id}' needs permission for a lease, which the pods with the sidecar do not have"
        yield Fault(part.path, message, "Move the components that need it to a collector with mode deployment.")


def lease_missing(subject: Subject) -> Iterator[Fault]:
    """Yield leader electors without the name or namespace of their lease; the Collector rejects them."""
    for extension_id, settings in mapping_at(subject.config, "extensions").items():
        is_elector = isinstance(extension_id, str) and kind_of(extension_id) == _ELECTOR_KIND
        if not is_elector or not isinstance(settings, dict | None):
            continue
        given_settings = settings or {}
        missing_keys = [key for key in _LEASE_KEYS if not given_settings.get(key)]
        if missing_keys:
            message = f"'{extension_id}' has no {' and no '.join(missing_keys)}"
            fix = "Add `lease_name: NAME` and `lease_namespace: NAMESPACE`, the same for all copies."
            yield Fault(("extensions", extension_id), message, fix)


RULES = (
    *define_rules("error", singleton, documentation=_ELECTOR_DOCUMENTATION),
    *define_rules("warning", sidecar_limits, documentation=_ELECTOR_DOCUMENTATION),
    *define_rules("error", lease_missing, shared=True, documentation=_ELECTOR_DOCUMENTATION),
)
