# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a row in `component_table.py`: what a type of component needs in Kubernetes, by its settings. Private.

`derive_needs.py` reads the rows for the components that a config starts. A need is something that the pod or its
ServiceAccount must have: RBAC rules, variables, paths of the node, folders that stay, or root. Ports are in ports.json
of the catalogue, actions of AWS in aws_calls.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Rules = tuple[dict[str, Any], ...]
"""RBAC rules, as a Role of Kubernetes has them."""
Settings = dict[str, Any]
"""The settings of one component in a config."""

READ_VERBS = ("get", "list", "watch")

# Rights that go far beyond telemetry: a collector gets them only if its option `allow` names them. These are the words
# of that option: WILDCARD is for a rule with `*`, ROOT is to run as root.
SECRETS, WILDCARD, NODES_PROXY, ROOT = "secrets", "wildcard", "nodes/proxy", "root"
# The resources of the core group that need such consent, each with the word of its right.
_GUARDED_RIGHTS = {"secrets": SECRETS, "nodes/proxy": NODES_PROXY}


def need_nothing(_settings: Settings) -> tuple[Any, ...]:
    """Return no needs: the default of the functions of a row."""
    return ()


@dataclass(frozen=True)
class ComponentNeeds:
    """What one type of component needs. The functions take the settings of a component of this type.

    `type_names` has the newest name of the type and its older names. `list_rules` returns the RBAC rules that it needs,
    and `list_older_rules` those that only older versions of Kubernetes need. `list_variables` returns names of
    variables of the environment, `list_host_paths` pairs of a path on the node and one in the container, and
    `list_state_directories` folders that must outlive the pod. `needs_root` says whether it has to run as root.
    `serves_health` says that the component answers health probes. `asks_api` says that it asks the API of Kubernetes
    with rights that no row knows, so RBAC rules cannot be complete.
    """

    type_names: tuple[str, ...]
    list_rules: Callable[[Settings], Rules] = need_nothing
    list_older_rules: Callable[[Settings], Rules] = need_nothing
    list_variables: Callable[[Settings], tuple[str, ...]] = need_nothing
    list_host_paths: Callable[[Settings], tuple[tuple[str, str], ...]] = need_nothing
    list_state_directories: Callable[[Settings], tuple[str, ...]] = need_nothing
    needs_root: Callable[[Settings], bool] = lambda _settings: False
    serves_health: bool = False
    asks_api: bool = False


def make_rule(
    groups: str, resources: str, verbs: tuple[str, ...] = READ_VERBS, name: str = "", namespace: str = ""
) -> dict[str, Any]:
    """Return one RBAC rule.

    `groups` and `resources` are words with blanks between them, such as `"core apps"` and `"pods deployments"`; `core`
    is the group whose name is empty. `name` limits the rule to one object; empty for all. A rule with a `namespace`
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
