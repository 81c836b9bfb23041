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
from .installed import HELM, names_of
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


def removal(
    product: Product,
    found: Mapping[str, Any],
    others: str,
    definitions: bool,
    helm_release: str = "",
    *,
    more: bool = False,
    check: bool = False,
) -> RemovalPlan:
    """Return the objects to delete. Raises Problem if the product is in use and `others` is not set.

    `more` means that parts outside the cluster's objects exist, such as the EKS add-on. In check mode, earlier tasks
    have removed nothing: what uses the product is a warning, and the plan is the one without it.
    """
    own_definitions = []
    if definitions:
        own_definitions = [definition for definition in found["crds"] if _is_mine(definition, helm_release)]
    if nothing := _nothing(product, found, has_more=more or bool(own_definitions)):
        return RemovalPlan("nothing", nothing)
    users = _users(product, found, others, check)
    plan = RemovalPlan("remove", f"{product.title} is removed")
    if others == REMOVE:
        plan.resources += [_resource(user, made(product)) for user in users]
    elif users:
        plan.warnings.append(_note(product, users, others))
    plan.manifests += _objects(product, found["objects"])
    if definitions:
        stay_in_use = bool(users) and others == KEEP
        _plan_definitions(product, plan, own_definitions, in_use=bool(found["denied"]) or stay_in_use)
    for leftover in _leftovers(product, found):
        # A Lease is recreated while its holder runs.
        deleted_when = plan.leftovers if leftover["kind"] == "Lease" else plan.manifests
        deleted_when.append(leftover)
    return plan


def _nothing(product: Product, found: Mapping[str, Any], *, has_more: bool) -> str:
    """Return why nothing is to be removed, or an empty text."""
    if found["installed"] and not found["ours"]:
        return f"{product.title} was not installed by this collection, so it stays unchanged"
    if not (found["objects"] or has_more):
        return f"nothing of {product.title} is here that this collection installed"
    return ""


def _plan_definitions(
    product: Product, plan: RemovalPlan, definitions: list[Mapping[str, Any]], *, in_use: bool
) -> None:
    """Add the definitions to a plan, unless they are or may be in use."""
    if in_use:
        plan.warnings.append("The definitions stay, since they are or may be in use")
    else:
        plan.manifests += [_definition(product, item) for item in definitions]


def _objects(product: Product, objects: list[dict[str, Any]]) -> list[Manifest]:
    """Return the objects of a product without its definitions, each with the release that owns or adopts it."""
    manifests = []
    for facts in objects:
        if facts["kind"] != DEFINITION:
            release = made(product) if facts.get("made") else product.name
            manifests.append(_resource(facts, release))
    return manifests


def _is_mine(definition: Mapping[str, Any], helm_release: str) -> bool:
    """Return whether this collection owns a definition: by its label, or as one that its Helm release kept."""
    if definition["ours"]:
        return True
    installer: dict[str, str] = definition["installer"]
    return installer["by"] == HELM and installer["name"] == helm_release


def _users(product: Product, found: Mapping[str, Any], others: str, check: bool) -> list[Any]:
    """Return the custom resources that need the product. Raises Problem if they are unknown or in the way.

    Playbook `remove` takes away the custom resources of its inventory before their operator. Without check mode, those
    that are still there belong to others, even if this collection deployed them: another inventory may have.
    """
    users = [facts for facts in found["resources"] if facts["kind"] in product.used and not facts["release"]]
    if others == REFUSE and found["denied"]:
        wrong = f"this user may not list {', '.join(found['denied'])}, so it is unknown whether they are still used"
        fix = f"Grant the permission, or keep the objects ({product.others}: keep)."
        raise Problem(wrong, asked=f"Remove {product.title}", fix=fix)
    if others == REMOVE and not product.removes_resources:
        fix = f"Use {product.others}: refuse or {product.others}: keep."
        raise Problem(f"objects of {product.title} are never removed for others", fix=fix)
    if others == REFUSE and users and not check:
        fix = f"Remove them first, or {_instead(product)}."
        raise Problem(f"it is still used by {names_of(users)}", asked=f"Remove {product.title}", fix=fix)
    return users


def _instead(product: Product) -> str:
    """Return how the product can be removed in spite of what uses it."""
    ways = f"keep them without it ({product.others}: keep)"
    if product.removes_resources:
        ways += f", or delete those of all teams with it ({product.others}: remove)"
    return ways


def _note(product: Product, users: list[Any], others: str) -> str:
    """Return the warning about custom resources that are not removed with the product."""
    if others == KEEP:
        return f"{names_of(users)} stay, and no controller manages them any more"
    wrong = f"Without check mode, this run fails unless an earlier task of it removes {names_of(users)}"
    return f"{wrong}, because {product.title} is still used by them. Or {_instead(product)}"


def made(product: Product) -> str:
    """Return the release label with which the removal adopts objects of other owners."""
    return f"{product.name}_made"


def _resource(facts: Mapping[str, Any], release: str) -> Manifest:
    """Return an object as the removal takes it: its identity, and the release that it is removed with."""
    metadata = {"name": facts["name"], "namespace": facts["namespace"], "labels": {RELEASE_LABEL: release}}
    given_metadata = {key: value for key, value in metadata.items() if value}
    return {"apiVersion": facts["api_version"], "kind": facts["kind"], "metadata": given_metadata}


def _definition(product: Product, item: Mapping[str, Any]) -> Manifest:
    """Return a definition. One that this collection applied has the release of the product, and cannot be adopted."""
    release = product.name if item["ours"] and not item.get("made") else made(product)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": DEFINITION,
        "metadata": {"name": item["name"], "labels": {RELEASE_LABEL: release}},
        "spec": {
            "group": item["group"],
            "scope": item["scope"],
            "names": {"kind": item["kind"], "plural": item["plural"]},
            "versions": [{"name": version, "served": True} for version in item["served_versions"]],
        },
    }


def _leftovers(product: Product, found: Mapping[str, Any]) -> list[Manifest]:
    """Return what the product has made for itself and would leave, each by its known name."""
    own_namespaces = _own_namespaces(found)
    election_namespaces = _election_namespaces(found, own_namespaces) or own_namespaces
    listed = {(facts["kind"], facts["namespace"], facts["name"]) for facts in found["objects"]}
    leftovers = []
    for version, kind, name, is_of_election in product.leftovers:
        namespaces = election_namespaces if is_of_election else own_namespaces
        for namespace in namespaces:
            if (kind, namespace, name) not in listed:
                identity = {"api_version": version, "kind": kind, "name": name, "namespace": namespace}
                leftovers.append(_resource(identity, made(product)))
    return leftovers


def _own_namespaces(found: Mapping[str, Any]) -> list[str]:
    """Return the namespace of the product: the one that was found, or the first that its release makes; or none."""
    if found["namespace"]:
        return [found["namespace"]]
    return [item["name"] for item in found["objects"] if item["kind"] == "Namespace"][:1]


def _election_namespaces(found: Mapping[str, Any], own_namespaces: list[str]) -> list[str]:
    """Return the other namespaces in which the product elects a leader, by its Roles there."""
    roles = [item for item in found["objects"] if item["kind"] == "Role"]
    return sorted({role["namespace"] for role in roles if role["namespace"] not in own_namespaces})
