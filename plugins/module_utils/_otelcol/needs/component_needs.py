# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one type of component needs in Kubernetes, as a function of its settings. Private.

A need is something that the pod or its ServiceAccount must have: RBAC rules, variables, paths of the node, folders that
stay, or root. component_table.py has a `ComponentNeeds` for each type that needs something, such as

    ComponentNeeds(("journald",), list_host_paths=_journal_host_paths, needs_root=lambda _settings: True)

and derive_needs.py asks them for the components that a config starts. Ports are in ports.json of the catalogue, actions
of AWS in aws_calls.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Rules = tuple[dict[str, Any], ...]
"""RBAC rules, as a Role of Kubernetes has them."""
Settings = dict[str, Any]
"""The settings of one component in a config."""

READ_VERBS = ("get", "list", "watch")

# Rights that go far beyond telemetry: a collector gets them only if its option `allow` names them. These are the words
# of that option.
SECRETS = "secrets"
NODES_PROXY = "nodes/proxy"
# For a rule with `*`.
WILDCARD = "wildcard"
# To run as root.
ROOT = "root"
# The resources of the core group that need such consent, each with the word of its right.
_GUARDED_RIGHTS = {"secrets": SECRETS, "nodes/proxy": NODES_PROXY}


class HostPath(NamedTuple):
    """A path of the node, and where it is mounted in the container."""

    host_path: str
    path: str


def need_nothing(_settings: Settings) -> tuple[Any, ...]:
    """Return no needs: the default of the functions of `ComponentNeeds`."""
    return ()


@dataclass(frozen=True)
class ComponentNeeds:
    """What one type of component needs. The functions take the settings of a component of this type."""

    type_names: tuple[str, ...]
    """The newest name of the type, and its older names."""
    list_rules: Callable[[Settings], Rules] = need_nothing
    """The RBAC rules that it needs."""
    list_older_rules: Callable[[Settings], Rules] = need_nothing
    """The RBAC rules that only older versions of Kubernetes need."""
    list_variables: Callable[[Settings], tuple[str, ...]] = need_nothing
    """The names of variables of the environment."""
    list_host_paths: Callable[[Settings], tuple[HostPath, ...]] = need_nothing
    list_state_directories: Callable[[Settings], tuple[str, ...]] = need_nothing
    """The folders that must outlive the pod."""
    needs_root: Callable[[Settings], bool] = lambda _settings: False
    """Whether it has to run as root."""
    serves_health: bool = False
    """Whether it answers health probes."""
    asks_api: bool = False
    """Whether it asks the API of Kubernetes with rights that are not known here, so that RBAC rules are incomplete."""


def make_rule(
    groups: str, resources: str, verbs: tuple[str, ...] = READ_VERBS, name: str = "", namespace: str = ""
) -> dict[str, Any]:
    """Return one RBAC rule.

    `groups` and `resources` are words with blanks between them; `core` is the group whose name is empty. So
    `make_rule("core apps", "pods deployments", ("get",))` is `{apiGroups: ["", apps], resources: [pods, deployments],
    verbs: [get]}`. `name` limits the rule to one object; empty for all. A rule with a `namespace`
    belongs into a Role there; without one, it belongs into a ClusterRole. The key `namespace` is not one of Kubernetes:
    it only says which of the two.
    """
    rbac_rule: dict[str, Any] = {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": list(verbs),
    }
    if name:
        rbac_rule["resourceNames"] = [name]
    if namespace:
        rbac_rule["namespace"] = namespace
    return rbac_rule


def find_guarded_rights(rbac_rule: Mapping[str, Any]) -> set[str]:
    """Return the rights in an RBAC rule that need consent: some of `secrets`, `nodes/proxy` and `wildcard`.

    A rule for named objects needs no consent for their resource: it reads one known Secret, not all.
    """
    rights = set[str]()
    is_of_core_group = bool({"", "*"}.intersection(rbac_rule.get("apiGroups", ())))
    if is_of_core_group and not rbac_rule.get("resourceNames"):
        for resource in rbac_rule.get("resources", ()):
            if resource in _GUARDED_RIGHTS:
                rights.add(_GUARDED_RIGHTS[resource])
    for key in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        if any("*" in str(name) for name in rbac_rule.get(key, ())):
            rights.add(WILDCARD)
    return rights
