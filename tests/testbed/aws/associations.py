# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod identity associations and the tags of what moto does not know, as EKS has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.eks.models import eks_backends

from tests.testbed.aws.world import ACCOUNT, AwsError, Key, World, partition

Answer = dict[str, Any]
SETTINGS = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")


def _cluster(region: str, name: str) -> None:
    if name not in eks_backends[ACCOUNT][region].clusters:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")


def create_pod_identity_association(world: World, region: str, owner: str = "", **given: Any) -> Answer:
    """CreatePodIdentityAssociation."""
    _cluster(region, given["clusterName"])
    token = given.get("clientRequestToken", "")
    if token and token in world.tokens:
        return {"association": world.tokens[token]}
    _restricted(given)
    same = [item for key, item in world.associations.items() if key[:2] == (region, given["clusterName"])]
    if any(
        (item["namespace"], item["serviceAccount"]) == (given["namespace"], given["serviceAccount"]) for item in same
    ):
        raise AwsError("ResourceInUseException", "Association already exists.")
    number = next(world.counter)
    name = f"a-{number:08d}"
    where = f"arn:{partition(region)}:eks:{region}:{ACCOUNT}"
    item = {
        "associationId": name,
        "associationArn": f"{where}:podidentityassociation/{given['clusterName']}/{name}",
        "createdAt": 1.7e9 + number,
        "modifiedAt": 1.7e9 + number,
        **{field: given[field] for field in ("clusterName", "namespace", "serviceAccount")},
        **{field: given[field] for field in (*SETTINGS, "tags") if field in given},
        **({"ownerArn": owner} if owner else {}),
    }
    world.associations[region, given["clusterName"], name] = item
    world.tokens[token] = item
    return {"association": item}


def describe_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """DescribePodIdentityAssociation."""
    return {"association": _found(world, region, given)}


def update_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """UpdatePodIdentityAssociation."""
    item = _found(world, region, given)
    _free(item)
    after = item | {field: given[field] for field in SETTINGS if field in given}
    _restricted(after)
    item.update({field: value for field, value in after.items() if value != ""})
    for field in SETTINGS:
        if given.get(field) == "":
            item.pop(field, None)
    return {"association": item}


def delete_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """DeletePodIdentityAssociation."""
    item = _found(world, region, given)
    _free(item)
    del world.associations[region, given["clusterName"], given["associationId"]]
    return {"association": item}


def list_pod_identity_associations(world: World, region: str, **given: Any) -> Answer:
    """ListPodIdentityAssociations."""
    _cluster(region, given["clusterName"])
    fields = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
    found = []
    for key, item in world.associations.items():
        wanted = {field: given[field] for field in ("namespace", "serviceAccount") if given.get(field)}
        if key[:2] == (region, given["clusterName"]) and wanted.items() <= item.items():
            found.append({field: item[field] for field in fields if field in item})
    return {"associations": found}


def tag_resource(world: World, region: str, **given: Any) -> Answer | None:
    """TagResource, or nothing where the ARN is of something that moto has."""
    facts = _tagged(world, given["resourceArn"])
    if facts is not None:
        facts["tags"] = {**facts.get("tags", {}), **given["tags"]}
    return None if facts is None else {}


def untag_resource(world: World, region: str, **given: Any) -> Answer | None:
    """UntagResource, or nothing where the ARN is of something that moto has."""
    facts = _tagged(world, given["resourceArn"])
    if facts is not None:
        facts["tags"] = {key: value for key, value in facts.get("tags", {}).items() if key not in given["tagKeys"]}
    return None if facts is None else {}


OPERATIONS: dict[str, Callable[..., Answer | None]] = {
    "CreatePodIdentityAssociation": create_pod_identity_association,
    "DescribePodIdentityAssociation": describe_pod_identity_association,
    "UpdatePodIdentityAssociation": update_pod_identity_association,
    "DeletePodIdentityAssociation": delete_pod_identity_association,
    "ListPodIdentityAssociations": list_pod_identity_associations,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}


def attach(world: World, key: Key, addon: dict[str, Any], wanted: list[dict[str, str]]) -> None:
    """Make the associations that an add-on owns."""
    for item in wanted:
        account = {"clusterName": key[1], "namespace": addon["namespaceConfig"]["namespace"]}
        create_pod_identity_association(world, key[0], owner=addon["addonArn"], **account, **item)


def detach(world: World, key: Key) -> None:
    """Remove the associations that an add-on owns."""
    arn = world.addons[key].facts["addonArn"]
    for name in [name for name, item in world.associations.items() if item.get("ownerArn") == arn]:
        del world.associations[name]


def _tagged(world: World, arn: str) -> dict[str, Any] | None:
    facts = [addon.facts for addon in world.addons.values() if addon.facts["addonArn"] == arn]
    facts += [item for item in world.associations.values() if item["associationArn"] == arn]
    return facts[0] if facts else None


def _found(world: World, region: str, given: dict[str, Any]) -> dict[str, Any]:
    item = world.associations.get((region, given["clusterName"], given["associationId"]))
    if item is None:
        raise AwsError("ResourceNotFoundException", f"Association {given['associationId']} is not found")
    return item


def _free(item: dict[str, Any]) -> None:
    if item.get("ownerArn"):
        raise AwsError("InvalidRequestException", f"Association is owned by {item['ownerArn']}")


def _restricted(given: dict[str, Any]) -> None:
    if given.get("policy") and not given.get("disableSessionTags"):
        raise AwsError("InvalidParameterException", "disableSessionTags must be true when a policy is given")
