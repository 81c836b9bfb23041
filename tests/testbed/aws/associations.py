# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod identity associations and the tags of what moto does not know, as EKS has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.testbed.aws.clusters import cluster
from tests.testbed.aws.world import ACCOUNT, AwsError, Key, World, partition

Answer = dict[str, Any]
ACCOUNT_FIELDS = ("namespace", "serviceAccount")
"""The ServiceAccount that an association is about."""
SETTINGS = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")
LISTED_FIELDS = ("clusterName", *ACCOUNT_FIELDS, "associationArn", "associationId", "ownerArn")
FIRST_TIME = 1.7e9
"""Seconds since 1970. Times count from it as numbers do."""


def create_pod_identity_association(world: World, region: str, owner: str = "", **given: Any) -> Answer:
    """CreatePodIdentityAssociation. `owner` is the ARN of the add-on that makes it, if one does."""
    cluster(region, given["clusterName"])
    token = given.get("clientRequestToken", "")
    if token and token in world.tokens:
        return {"association": world.tokens[token]}
    _check_policy(given)
    for item in _of_cluster(world, region, given["clusterName"]):
        if all(item[field] == given[field] for field in ACCOUNT_FIELDS):
            raise AwsError("ResourceInUseException", "Association already exists.")
    item = _new_item(next(world.counter), region, given)
    if owner:
        item["ownerArn"] = owner
    world.associations[Key(region, given["clusterName"], item["associationId"])] = item
    world.tokens[token] = item
    return {"association": item}


def _new_item(number: int, region: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the association with a number as EKS describes it."""
    name = f"a-{number:08d}"
    prefix = f"arn:{partition(region)}:eks:{region}:{ACCOUNT}"
    return {
        "associationId": name,
        "associationArn": f"{prefix}:podidentityassociation/{given['clusterName']}/{name}",
        "createdAt": FIRST_TIME + number,
        "modifiedAt": FIRST_TIME + number,
        **{field: given[field] for field in ("clusterName", *ACCOUNT_FIELDS)},
        **{field: given[field] for field in (*SETTINGS, "tags") if field in given},
    }


def describe_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """DescribePodIdentityAssociation."""
    return {"association": _found(world, region, given)}


def update_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """UpdatePodIdentityAssociation. An empty text removes a setting."""
    item = _found(world, region, given)
    _check_unowned(item)
    changes = {field: given[field] for field in SETTINGS if field in given}
    _check_policy(item | changes)
    for field, value in changes.items():
        if value == "":
            item.pop(field, None)
        else:
            item[field] = value
    return {"association": item}


def delete_pod_identity_association(world: World, region: str, **given: Any) -> Answer:
    """DeletePodIdentityAssociation."""
    item = _found(world, region, given)
    _check_unowned(item)
    del world.associations[Key(region, given["clusterName"], given["associationId"])]
    return {"association": item}


def list_pod_identity_associations(world: World, region: str, **given: Any) -> Answer:
    """ListPodIdentityAssociations."""
    cluster(region, given["clusterName"])
    wanted = {field: given[field] for field in ACCOUNT_FIELDS if given.get(field)}
    found = []
    for item in _of_cluster(world, region, given["clusterName"]):
        if wanted.items() <= item.items():
            found.append({field: item[field] for field in LISTED_FIELDS if field in item})
    return {"associations": found}


def tag_resource(world: World, region: str, **given: Any) -> Answer | None:
    """TagResource, or nothing where the ARN is of something that moto has."""
    facts = _tagged(world, given["resourceArn"])
    if facts is None:
        return None
    facts["tags"] = {**facts.get("tags", {}), **given["tags"]}
    return {}


def untag_resource(world: World, region: str, **given: Any) -> Answer | None:
    """UntagResource, or nothing where the ARN is of something that moto has."""
    facts = _tagged(world, given["resourceArn"])
    if facts is None:
        return None
    facts["tags"] = {key: value for key, value in facts.get("tags", {}).items() if key not in given["tagKeys"]}
    return {}


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
    """Make the associations that an add-on owns. `addon` has its facts, `wanted` their accounts and roles."""
    for item in wanted:
        account = {"clusterName": key.cluster, "namespace": addon["namespaceConfig"]["namespace"]}
        create_pod_identity_association(world, key.region, owner=addon["addonArn"], **account, **item)


def detach(world: World, key: Key) -> None:
    """Remove the associations that an add-on owns."""
    arn = world.addons[key].facts["addonArn"]
    for name, item in list(world.associations.items()):
        if item.get("ownerArn") == arn:
            del world.associations[name]


def _of_cluster(world: World, region: str, name: str) -> list[dict[str, Any]]:
    """Return the associations of a cluster."""
    return [item for key, item in world.associations.items() if (key.region, key.cluster) == (region, name)]


def _tagged(world: World, arn: str) -> dict[str, Any] | None:
    """Return the facts of the add-on or association with an ARN; None if it is of something else."""
    for addon in world.addons.values():
        if addon.facts["addonArn"] == arn:
            return addon.facts
    for item in world.associations.values():
        if item["associationArn"] == arn:
            return item
    return None


def _found(world: World, region: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the association that a request names. Raises AwsError if there is none."""
    item = world.associations.get(Key(region, given["clusterName"], given["associationId"]))
    if item is None:
        raise AwsError("ResourceNotFoundException", f"Association {given['associationId']} is not found")
    return item


def _check_unowned(item: dict[str, Any]) -> None:
    """Raise AwsError if an add-on owns an association."""
    if item.get("ownerArn"):
        raise AwsError("InvalidRequestException", f"Association is owned by {item['ownerArn']}")


def _check_policy(settings: dict[str, Any]) -> None:
    """Raise AwsError for a policy together with tags of the session."""
    if settings.get("policy") and not settings.get("disableSessionTags"):
        raise AwsError("InvalidParameterException", "disableSessionTags must be true when a policy is given")
