# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod identity associations and the tags of what moto does not know, as EKS has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.testbed.aws.clusters import find_cluster
from tests.testbed.aws.world import ACCOUNT, AwsError, Key, World, find_partition

Answer = dict[str, Any]
ACCOUNT_FIELDS = ("namespace", "serviceAccount")
"""The ServiceAccount that an association is about."""
SETTING_FIELDS = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")
LISTED_FIELDS = ("clusterName", *ACCOUNT_FIELDS, "associationArn", "associationId", "ownerArn")
FIRST_TIME = 1.7e9
"""Seconds since 1970. Times count from it as numbers do."""


def create_pod_identity_association(world: World, region: str, owner_arn: str = "", **parameters: Any) -> Answer:
    """CreatePodIdentityAssociation. `owner_arn` is the ARN of the add-on that makes it, if one does."""
    find_cluster(region, parameters["clusterName"])
    token = parameters.get("clientRequestToken", "")
    if token and token in world.tokens:
        return {"association": world.tokens[token]}
    _check_policy(parameters)
    for association in _list_cluster_associations(world, region, parameters["clusterName"]):
        if all(association[field] == parameters[field] for field in ACCOUNT_FIELDS):
            raise AwsError("ResourceInUseException", "Association already exists.")
    association = _build_association(next(world.counter), region, parameters)
    if owner_arn:
        association["ownerArn"] = owner_arn
    world.associations[Key(region, parameters["clusterName"], association["associationId"])] = association
    world.tokens[token] = association
    return {"association": association}


def _build_association(number: int, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the association with a number as EKS describes it."""
    name = f"a-{number:08d}"
    prefix = f"arn:{find_partition(region)}:eks:{region}:{ACCOUNT}"
    return {
        "associationId": name,
        "associationArn": f"{prefix}:podidentityassociation/{parameters['clusterName']}/{name}",
        "createdAt": FIRST_TIME + number,
        "modifiedAt": FIRST_TIME + number,
        **{field: parameters[field] for field in ("clusterName", *ACCOUNT_FIELDS)},
        **{field: parameters[field] for field in (*SETTING_FIELDS, "tags") if field in parameters},
    }


def describe_pod_identity_association(world: World, region: str, **parameters: Any) -> Answer:
    """DescribePodIdentityAssociation."""
    return {"association": _require_association(world, region, parameters)}


def update_pod_identity_association(world: World, region: str, **parameters: Any) -> Answer:
    """UpdatePodIdentityAssociation. An empty text removes a setting."""
    association = _require_association(world, region, parameters)
    _check_unowned(association)
    changes = {field: parameters[field] for field in SETTING_FIELDS if field in parameters}
    _check_policy(association | changes)
    for field, value in changes.items():
        if value == "":
            association.pop(field, None)
        else:
            association[field] = value
    return {"association": association}


def delete_pod_identity_association(world: World, region: str, **parameters: Any) -> Answer:
    """DeletePodIdentityAssociation."""
    association = _require_association(world, region, parameters)
    _check_unowned(association)
    del world.associations[Key(region, parameters["clusterName"], parameters["associationId"])]
    return {"association": association}


def list_pod_identity_associations(world: World, region: str, **parameters: Any) -> Answer:
    """ListPodIdentityAssociations."""
    find_cluster(region, parameters["clusterName"])
    account_filter = {field: parameters[field] for field in ACCOUNT_FIELDS if parameters.get(field)}
    listed_associations = []
    for association in _list_cluster_associations(world, region, parameters["clusterName"]):
        if account_filter.items() <= association.items():
            listed_associations.append({field: association[field] for field in LISTED_FIELDS if field in association})
    return {"associations": listed_associations}


def tag_resource(world: World, region: str, **parameters: Any) -> Answer | None:
    """TagResource, or nothing where the ARN is of something that moto has."""
    facts = _find_taggable(world, parameters["resourceArn"])
    if facts is None:
        return None
    facts["tags"] = {**facts.get("tags", {}), **parameters["tags"]}
    return {}


def untag_resource(world: World, region: str, **parameters: Any) -> Answer | None:
    """UntagResource, or nothing where the ARN is of something that moto has."""
    facts = _find_taggable(world, parameters["resourceArn"])
    if facts is None:
        return None
    facts["tags"] = {key: value for key, value in facts.get("tags", {}).items() if key not in parameters["tagKeys"]}
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


def create_owned_associations(
    world: World, key: Key, addon_facts: dict[str, Any], requested_associations: list[dict[str, str]]
) -> None:
    """Make the associations that an add-on owns.

    `addon_facts` has its facts, `requested_associations` their accounts and roles.
    """
    for association in requested_associations:
        account = {"clusterName": key.cluster, "namespace": addon_facts["namespaceConfig"]["namespace"]}
        create_pod_identity_association(world, key.region, owner_arn=addon_facts["addonArn"], **account, **association)


def remove_owned_associations(world: World, key: Key) -> None:
    """Remove the associations that an add-on owns."""
    arn = world.addons[key].facts["addonArn"]
    for name, association in list(world.associations.items()):
        if association.get("ownerArn") == arn:
            del world.associations[name]


def _list_cluster_associations(world: World, region: str, name: str) -> list[dict[str, Any]]:
    """Return the associations of a cluster."""
    return [
        association for key, association in world.associations.items() if (key.region, key.cluster) == (region, name)
    ]


def _find_taggable(world: World, arn: str) -> dict[str, Any] | None:
    """Return the facts of the add-on or association with an ARN; None if it is of something else."""
    for addon in world.addons.values():
        if addon.facts["addonArn"] == arn:
            return addon.facts
    for association in world.associations.values():
        if association["associationArn"] == arn:
            return association
    return None


def _require_association(world: World, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the association that a request names. Raises AwsError if there is none."""
    association = world.associations.get(Key(region, parameters["clusterName"], parameters["associationId"]))
    if association is None:
        raise AwsError("ResourceNotFoundException", f"Association {parameters['associationId']} is not found")
    return association


def _check_unowned(association: dict[str, Any]) -> None:
    """Raise AwsError if an add-on owns an association."""
    if association.get("ownerArn"):
        raise AwsError("InvalidRequestException", f"Association is owned by {association['ownerArn']}")


def _check_policy(settings: dict[str, Any]) -> None:
    """Raise AwsError for a policy together with tags of the session."""
    if settings.get("policy") and not settings.get("disableSessionTags"):
        raise AwsError("InvalidParameterException", "disableSessionTags must be true when a policy is given")
