# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for the removal of a product: which objects are deleted in which order, and which stay in use. Private.

`_release/render.py` and the modules for OLM and EKS beside it call `plan_removal` with the result of release_info. The
users of a product are the custom resources that need it, such as the Certificates of cert-manager. A removal deletes
objects by the label of their release:

    Deployment cert-manager/cert-manager-webhook                  o11y.opentelemetry/release: cert-manager
    Lease kube-system/cert-manager-controller (has no label)      o11y.opentelemetry/release: cert-manager_made

The second label is given for the removal alone, see `removal_label`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest, ObjectRef
from .installed import HELM, DefinitionRow, FoundRelease, ObjectRow, ResourceRow, join_object_names
from .manifest import DEFINITION
from .products import Product

# What happens to custom resources of others, which need the product.
# The removal fails.
REFUSE = "refuse"
# They stay, without a controller.
KEEP = "keep"
# They are deleted with the product.
REMOVE = "remove"


@dataclass
class RemovalPlan:
    """What a removal deletes, as action release_render returns it. Its three lists are deleted one after the other."""

    action: str
    """`remove`, or `nothing`."""
    msg: str
    resources: list[Manifest] = field(default_factory=list)
    """Custom resources, which go first, while their controller runs and can finish them."""
    manifests: list[Manifest] = field(default_factory=list)
    """The objects of the product."""
    leftovers: list[Manifest] = field(default_factory=list)
    """Leases, which go last: the pods of the product make them anew as long as they run."""
    warnings: list[str] = field(default_factory=list)


def plan_removal(
    product: Product,
    found_release: FoundRelease,
    policy_for_others: str,
    removes_definitions: bool,
    helm_release: str = "",
    *,
    has_other_parts: bool = False,
    check: bool = False,
) -> RemovalPlan:
    """Return the plan for the removal of a product.

    `policy_for_others` is REFUSE, KEEP or REMOVE. `helm_release` is NAMESPACE/NAME. `has_other_parts` says that the
    product has parts that are no objects of the cluster, such as an EKS add-on. `check` is check mode, in which earlier
    tasks have removed nothing: custom resources that need the product are a warning, and the plan goes on without them.

    Raises Problem if custom resources of others need the product and the policy is REFUSE.
    """
    own_definitions = _list_own_definitions(found_release, helm_release) if removes_definitions else []
    # First, so that a product which is not there or not ours needs no policy for its custom resources.
    reason = _explain_nothing(product, found_release, has_more=has_other_parts or bool(own_definitions))
    if reason:
        return RemovalPlan("nothing", reason)
    users = _find_users(product, found_release, policy_for_others, is_check_mode=check)
    removed_users = users if policy_for_others == REMOVE else []
    keeps_definitions = removes_definitions and _may_stay_in_use(found_release, users, policy_for_others)
    removed_definitions = [] if keeps_definitions else own_definitions
    self_made_objects = _list_self_made_objects(product, found_release)
    return RemovalPlan(
        "remove",
        f"{product.title} is removed",
        resources=_build_resources(product, removed_users),
        manifests=[
            *_list_objects(product, found_release["objects"]),
            *_build_definitions(product, removed_definitions),
            *self_made_objects.others,
        ],
        leftovers=self_made_objects.leases,
        warnings=list(_list_warnings(product, users, policy_for_others, keeps_definitions=keeps_definitions)),
    )


def removal_label(product: Product) -> str:
    """Return the release label that a removal gives to objects which have no label of the product.

    Module bundle_apply deletes only objects of a release. Its option `adopt` takes over those of this one, such as the
    Leases that the product made for itself.
    """
    return f"{product.name}_made"


# ── What is removed ──


def _list_own_definitions(found_release: FoundRelease, helm_release: str) -> list[DefinitionRow]:
    """Return the definitions that this collection owns: by their label, or because its Helm release left them."""
    own_definitions = []
    for definition in found_release["crds"]:
        installer = definition["installer"]
        is_left_by_helm = installer["by"] == HELM and installer["name"] == helm_release
        if definition["ours"] or is_left_by_helm:
            own_definitions.append(definition)
    return own_definitions


def _explain_nothing(product: Product, found_release: FoundRelease, *, has_more: bool) -> str:
    """Return why there is nothing to remove; an empty text if there is something."""
    if found_release["installed"] and not found_release["ours"]:
        return f"{product.title} was not installed by this collection, so it stays unchanged"
    if not (found_release["objects"] or has_more):
        return f"nothing of {product.title} is here that this collection installed"
    return ""


def _may_stay_in_use(found_release: FoundRelease, users: Sequence[ResourceRow], policy_for_others: str) -> bool:
    """Return whether custom resources may be left after the removal, whose definitions must stay then.

    With a definition, the API server deletes all custom resources of its kind, whoever made them. Users under REFUSE
    are there in check mode alone, where an earlier task would have removed them.
    """
    if found_release["denied"]:  # nobody knows what this user may not list
        return True
    return bool(users) and policy_for_others == KEEP


def _list_warnings(
    product: Product, users: list[ResourceRow], policy_for_others: str, *, keeps_definitions: bool
) -> Iterator[str]:
    """Yield the warnings about what stays although it belongs to the product."""
    if users and policy_for_others != REMOVE:
        yield _describe_remaining_users(product, users, policy_for_others)
    if keeps_definitions:
        yield "The definitions stay, since they are or may be in use"


def _list_objects(product: Product, objects: Sequence[ObjectRow]) -> list[Manifest]:
    """Return the objects of a product that are no definitions, each with the release label that it is removed by."""
    manifests = []
    for row in objects:
        if row["kind"] != DEFINITION:
            release = removal_label(product) if row.get("lacks_release_label") else product.name
            manifests.append(_build_reference(row["api_version"], row["kind"], row["namespace"], row["name"], release))
    return manifests


class _SelfMadeObjects(NamedTuple):
    """The objects that a product made for itself and does not remove."""

    leases: list[Manifest]
    others: list[Manifest]


def _list_self_made_objects(product: Product, found_release: FoundRelease) -> _SelfMadeObjects:
    """Return the objects that the product made for itself and does not remove, by their known names."""
    own_namespaces = _list_own_namespaces(found_release)
    election_namespaces = _list_election_namespaces(found_release, own_namespaces) or own_namespaces
    known_refs = {ObjectRef(row["kind"], row["namespace"], row["name"]) for row in found_release["objects"]}
    leases: list[Manifest] = []
    others: list[Manifest] = []
    for made_object in product.self_made_objects:
        namespaces = election_namespaces if made_object.is_of_election else own_namespaces
        for namespace in namespaces:
            if ObjectRef(made_object.kind, namespace, made_object.name) not in known_refs:
                manifests = leases if made_object.kind == "Lease" else others
                label = removal_label(product)
                manifests.append(
                    _build_reference(made_object.api_version, made_object.kind, namespace, made_object.name, label)
                )
    return _SelfMadeObjects(leases, others)


def _list_own_namespaces(found_release: FoundRelease) -> list[str]:
    """Return the namespace of the product, as a list of one; an empty list if it is not known.

    If the product does not run, its namespace is the first one among its objects.
    """
    if found_release["namespace"]:
        return [found_release["namespace"]]
    for row in found_release["objects"]:
        if row["kind"] == "Namespace":
            return [row["name"]]
    return []


def _list_election_namespaces(found_release: FoundRelease, own_namespaces: list[str]) -> list[str]:
    """Return the other namespaces in which the product elects a leader: those in which it has a Role."""
    namespaces = {row["namespace"] for row in found_release["objects"] if row["kind"] == "Role"}
    return sorted(namespaces.difference(own_namespaces))


# ── The users of the product ──


def _find_users(
    product: Product, found_release: FoundRelease, policy_for_others: str, *, is_check_mode: bool
) -> list[ResourceRow]:
    """Return the custom resources that need the product.

    Playbook `remove` deletes the custom resources of its inventory before it removes their operator. Without check
    mode, the remaining ones belong to others. This collection may have deployed them too, from another inventory.

    Raises Problem if the policy does not allow the removal: it is REFUSE, and there are such custom resources, or this
    user may not list them; or it is REMOVE, and this product never takes custom resources with it.
    """
    users = []
    for resource in found_release["resources"]:
        is_part_of_product = resource["release"]
        if resource["kind"] in product.used_kinds and not is_part_of_product:
            users.append(resource)
    if policy_for_others == REFUSE:
        _check_unused(product, found_release["denied"], users, is_check_mode=is_check_mode)
    if policy_for_others == REMOVE and not product.removes_resources:
        fix = f"Use {product.others}: refuse or {product.others}: keep."
        raise Problem(f"objects of {product.title} are never removed for others", fix=fix)
    return users


def _check_unused(
    product: Product, denied_kinds: Sequence[str], users: Sequence[ResourceRow], *, is_check_mode: bool
) -> None:
    """Raise Problem if custom resources need the product, or if this user may not list some kinds of them."""
    asked = f"Remove {product.title}"
    if denied_kinds:
        wrong = f"this user may not list {', '.join(denied_kinds)}, so it is unknown whether they are still used"
        fix = f"Grant the permission, or keep the objects ({product.others}: keep)."
        raise Problem(wrong, asked=asked, fix=fix)
    if users and not is_check_mode:
        fix = f"Remove them first, or {_describe_alternatives(product)}."
        raise Problem(f"it is still used by {join_object_names(users)}", asked=asked, fix=fix)


def _describe_alternatives(product: Product) -> str:
    """Return how the product can be removed although custom resources need it."""
    alternatives = f"keep them without it ({product.others}: keep)"
    if product.removes_resources:
        alternatives += f", or delete those of all teams with it ({product.others}: remove)"
    return alternatives


def _describe_remaining_users(product: Product, users: list[ResourceRow], policy_for_others: str) -> str:
    """Return the warning about custom resources that are not removed with the product."""
    if policy_for_others == KEEP:
        return f"{join_object_names(users)} stay, and no controller manages them any more"
    wrong = f"Without check mode, this run fails unless an earlier task of it removes {join_object_names(users)}"
    return f"{wrong}, because {product.title} is still used by them. Or {_describe_alternatives(product)}"


# ── Manifests ──


def _build_resources(product: Product, resources: Sequence[ResourceRow]) -> list[Manifest]:
    """Return custom resources for the removal. They have no label of the product."""
    release = removal_label(product)
    manifests = []
    for row in resources:
        manifests.append(_build_reference(row["api_version"], row["kind"], row["namespace"], row["name"], release))
    return manifests


def _build_reference(api_version: str, kind: str, namespace: str, name: str, release: str) -> Manifest:
    """Return an object for the removal: its identity, and the release label that it is removed by."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["labels"] = {RELEASE_LABEL: release}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _build_definitions(product: Product, definitions: Sequence[DefinitionRow]) -> list[Manifest]:
    return [_build_definition(product, definition) for definition in definitions]


def _build_definition(product: Product, definition: DefinitionRow) -> Manifest:
    """Return a definition for the removal.

    A definition that this collection applied has the release label of the product, and needs no other label.
    """
    was_applied = definition["ours"] and not definition.get("lacks_release_label")
    release = product.name if was_applied else removal_label(product)
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
