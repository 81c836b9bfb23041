# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal of a product: which objects, in which order, and which stay because they are in use. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from .installed import HELM, join_object_names
from .manifest import DEFINITION
from .products import Product

REFUSE, KEEP, REMOVE = "refuse", "keep", "remove"


@dataclass
class RemovalPlan:
    """The objects to delete: custom resources while their controller runs, the rest, and recreated objects."""

    action: str
    msg: str
    resources: list[Manifest] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)
    leftovers: list[Manifest] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan_removal(
    product: Product,
    release_facts: Mapping[str, Any],
    policy_for_others: str,
    removes_definitions: bool,
    helm_release: str = "",
    *,
    more: bool = False,
    check: bool = False,
) -> RemovalPlan:
    """Return the objects to delete. Raises Problem if the product is in use and `policy_for_others` is not set.

    `more` means that parts outside the cluster's objects exist, such as the EKS add-on. In check mode, earlier tasks
    have removed nothing: what uses the product is a warning, and the plan is the one without it.
    """
    own_definitions = []
    if removes_definitions:
        own_definitions = [
            definition for definition in release_facts["crds"] if _is_own_definition(definition, helm_release)
        ]
    if reason := _explain_nothing(product, release_facts, has_more=more or bool(own_definitions)):
        return RemovalPlan("nothing", reason)
    users = _find_users(product, release_facts, policy_for_others, check)
    plan = RemovalPlan("remove", f"{product.title} is removed")
    if policy_for_others == REMOVE:
        plan.resources += [_build_reference(user, adoption_label(product)) for user in users]
    elif users:
        plan.warnings.append(_describe_remaining_users(product, users, policy_for_others))
    plan.manifests += _list_objects(product, release_facts["objects"])
    if removes_definitions:
        stay_in_use = bool(users) and policy_for_others == KEEP
        _plan_definitions(product, plan, own_definitions, in_use=bool(release_facts["denied"]) or stay_in_use)
    for leftover in _list_leftovers(product, release_facts):
        # A Lease is recreated while its holder runs.
        deletion_list = plan.leftovers if leftover["kind"] == "Lease" else plan.manifests
        deletion_list.append(leftover)
    return plan


def _explain_nothing(product: Product, release_facts: Mapping[str, Any], *, has_more: bool) -> str:
    """Return why nothing is to be removed, or an empty text."""
    if release_facts["installed"] and not release_facts["ours"]:
        return f"{product.title} was not installed by this collection, so it stays unchanged"
    if not (release_facts["objects"] or has_more):
        return f"nothing of {product.title} is here that this collection installed"
    return ""


def _plan_definitions(
    product: Product, plan: RemovalPlan, definitions: list[Mapping[str, Any]], *, in_use: bool
) -> None:
    """Add the definitions to a plan, unless they are or may be in use."""
    if in_use:
        plan.warnings.append("The definitions stay, since they are or may be in use")
    else:
        plan.manifests += [_build_definition(product, definition) for definition in definitions]


def _list_objects(product: Product, object_rows: list[dict[str, Any]]) -> list[Manifest]:
    """Return the objects of a product without its definitions, each with the release that owns or adopts it."""
    manifests = []
    for facts in object_rows:
        if facts["kind"] != DEFINITION:
            release = adoption_label(product) if facts.get("made") else product.name
            manifests.append(_build_reference(facts, release))
    return manifests


def _is_own_definition(definition: Mapping[str, Any], helm_release: str) -> bool:
    """Return whether this collection owns a definition: by its label, or as one that its Helm release kept."""
    if definition["ours"]:
        return True
    installer: dict[str, str] = definition["installer"]
    return installer["by"] == HELM and installer["name"] == helm_release


def _find_users(
    product: Product, release_facts: Mapping[str, Any], policy_for_others: str, is_check_mode: bool
) -> list[Any]:
    """Return the custom resources that need the product. Raises Problem if they are unknown or in the way.

    Playbook `remove` takes away the custom resources of its inventory before their operator. Without check mode, those
    that are still there belong to others, even if this collection deployed them: another inventory may have.
    """
    users = [
        facts for facts in release_facts["resources"] if facts["kind"] in product.used_kinds and not facts["release"]
    ]
    if policy_for_others == REFUSE and release_facts["denied"]:
        wrong = (
            f"this user may not list {', '.join(release_facts['denied'])}, so it is unknown whether they are still used"
        )
        fix = f"Grant the permission, or keep the objects ({product.others}: keep)."
        raise Problem(wrong, asked=f"Remove {product.title}", fix=fix)
    if policy_for_others == REMOVE and not product.removes_resources:
        fix = f"Use {product.others}: refuse or {product.others}: keep."
        raise Problem(f"objects of {product.title} are never removed for others", fix=fix)
    if policy_for_others == REFUSE and users and not is_check_mode:
        fix = f"Remove them first, or {_describe_alternatives(product)}."
        raise Problem(f"it is still used by {join_object_names(users)}", asked=f"Remove {product.title}", fix=fix)
    return users


def _describe_alternatives(product: Product) -> str:
    """Return how the product can be removed in spite of what uses it."""
    alternatives = f"keep them without it ({product.others}: keep)"
    if product.removes_resources:
        alternatives += f", or delete those of all teams with it ({product.others}: remove)"
    return alternatives


def _describe_remaining_users(product: Product, users: list[Any], policy_for_others: str) -> str:
    """Return the warning about custom resources that are not removed with the product."""
    if policy_for_others == KEEP:
        return f"{join_object_names(users)} stay, and no controller manages them any more"
    wrong = f"Without check mode, this run fails unless an earlier task of it removes {join_object_names(users)}"
    return f"{wrong}, because {product.title} is still used by them. Or {_describe_alternatives(product)}"


def adoption_label(product: Product) -> str:
    """Return the release label with which the removal adopts objects of other owners."""
    return f"{product.name}_made"


def _build_reference(facts: Mapping[str, Any], release: str) -> Manifest:
    """Return an object as the removal takes it: its identity, and the release that it is removed with."""
    metadata = {"name": facts["name"], "namespace": facts["namespace"], "labels": {RELEASE_LABEL: release}}
    given_metadata = {key: value for key, value in metadata.items() if value}
    return {"apiVersion": facts["api_version"], "kind": facts["kind"], "metadata": given_metadata}


def _build_definition(product: Product, definition: Mapping[str, Any]) -> Manifest:
    """Return a definition. One that this collection applied has the release of the product, and cannot be adopted."""
    release = product.name if definition["ours"] and not definition.get("made") else adoption_label(product)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": DEFINITION,
        "metadata": {"name": definition["name"], "labels": {RELEASE_LABEL: release}},
        "spec": {
            "group": definition["group"],
            "scope": definition["scope"],
            "names": {"kind": definition["kind"], "plural": definition["plural"]},
            "versions": [{"name": version, "served": True} for version in definition["served_versions"]],
        },
    }


def _list_leftovers(product: Product, release_facts: Mapping[str, Any]) -> list[Manifest]:
    """Return what the product has made for itself and would leave, each by its known name."""
    own_namespaces = _list_own_namespaces(release_facts)
    election_namespaces = _list_election_namespaces(release_facts, own_namespaces) or own_namespaces
    known_objects = {(facts["kind"], facts["namespace"], facts["name"]) for facts in release_facts["objects"]}
    leftovers = []
    for api_version, kind, name, is_of_election in product.leftovers:
        namespaces = election_namespaces if is_of_election else own_namespaces
        for namespace in namespaces:
            if (kind, namespace, name) not in known_objects:
                identity = {"api_version": api_version, "kind": kind, "name": name, "namespace": namespace}
                leftovers.append(_build_reference(identity, adoption_label(product)))
    return leftovers


def _list_own_namespaces(release_facts: Mapping[str, Any]) -> list[str]:
    """Return the namespace of the product: the one that was found, or the first that its release makes; or none."""
    if release_facts["namespace"]:
        return [release_facts["namespace"]]
    return [object_facts["name"] for object_facts in release_facts["objects"] if object_facts["kind"] == "Namespace"][
        :1
    ]


def _list_election_namespaces(release_facts: Mapping[str, Any], own_namespaces: list[str]) -> list[str]:
    """Return the other namespaces in which the product elects a leader, by its Roles there."""
    roles = [object_facts for object_facts in release_facts["objects"] if object_facts["kind"] == "Role"]
    return sorted({role["namespace"] for role in roles if role["namespace"] not in own_namespaces})
