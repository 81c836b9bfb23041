# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS add-ons as EKS has them: each operation a function of the world; its caller checks the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import jsonschema

from tests.testbed.aws import catalog
from tests.testbed.aws.associations import FIRST_TIME, create_owned_associations, remove_owned_associations
from tests.testbed.aws.clusters import find_cluster
from tests.testbed.aws.world import ACCOUNT, Addon, AwsError, Key, Stage, World, find_partition

Answer = dict[str, Any]
STEADY_STATUSES = ("ACTIVE", "DEGRADED", "CREATE_FAILED", "UPDATE_FAILED")
"""Statuses in which an add-on can be updated."""
SETTING_FIELDS = ("serviceAccountRoleArn", "configurationValues")
UPDATED_FIELDS = ("addonVersion", *SETTING_FIELDS)
DEFAULT_NAMESPACE = "opentelemetry-operator-system"
"""Of an add-on that is created without another one."""


def create_addon(world: World, region: str, **parameters: Any) -> Answer:
    """CreateAddon."""
    name, token = parameters["addonName"], parameters.get("clientRequestToken", "")
    cluster_version = find_cluster(region, parameters["clusterName"]).version
    key = Key(region, parameters["clusterName"], name)
    if token and token in world.tokens:
        return {"addon": _describe_addon(world, key)}
    if _find_stage(world, key):
        raise AwsError("ResourceInUseException", "Addon already exists.")
    addon_version = parameters.get("addonVersion") or _default_version(name, cluster_version)
    _check_version(name, addon_version, cluster_version, parameters.get("configurationValues"))
    facts = _new_facts(next(world.counter), key, addon_version, parameters)
    world.addons[key] = Addon(facts, world.take_stages(name, "create"), world.clock())
    create_owned_associations(world, key, facts, parameters.get("podIdentityAssociations") or [])
    world.tokens[token] = name
    return {"addon": _describe_addon(world, key)}


def _new_facts(number: int, key: Key, version: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of the add-on with a number."""
    prefix = f"arn:{find_partition(key.region)}:eks:{key.region}:{ACCOUNT}"
    facts = {
        "addonName": key.name,
        "clusterName": key.cluster,
        "addonVersion": version,
        "addonArn": f"{prefix}:addon/{key.cluster}/{key.name}/{number:08d}",
        "createdAt": FIRST_TIME + number,
        "modifiedAt": FIRST_TIME + number,
        **{field: parameters[field] for field in (*SETTING_FIELDS, "tags", "namespaceConfig") if parameters.get(field)},
    }
    facts.setdefault("namespaceConfig", {"namespace": DEFAULT_NAMESPACE})
    return facts


def describe_addon(world: World, region: str, **parameters: Any) -> Answer:
    """DescribeAddon."""
    find_cluster(region, parameters["clusterName"])
    return {"addon": _describe_addon(world, Key(region, parameters["clusterName"], parameters["addonName"]))}


def list_addons(world: World, region: str, **parameters: Any) -> Answer:
    """ListAddons."""
    find_cluster(region, parameters["clusterName"])
    names = []
    for key in list(world.addons):  # `_find_stage` may remove one
        if (key.region, key.cluster) == (region, parameters["clusterName"]) and _find_stage(world, key):
            names.append(key.name)
    return {"addons": sorted(names)}


def update_addon(world: World, region: str, **parameters: Any) -> Answer:
    """UpdateAddon. A role that is left out is taken away; values and identities that are left out stay."""
    key = Key(region, parameters["clusterName"], parameters["addonName"])
    token = parameters.get("clientRequestToken", "")
    if token and token in world.tokens:
        return {"update": _describe_update(world, key, world.tokens[token])}
    stage, addon = _require_stage(world, key), world.addons[key]
    if stage.status not in STEADY_STATUSES:
        message = f"Addon {key.name} cannot be updated as it is currently in {stage.status} state"
        raise AwsError("ResourceInUseException", message)
    version = parameters.get("addonVersion") or addon.facts["addonVersion"]
    _check_version(key.name, version, find_cluster(region, key.cluster).version, parameters.get("configurationValues"))
    addon.pending = {field: parameters[field] for field in UPDATED_FIELDS if field in parameters}
    addon.pending["serviceAccountRoleArn"] = parameters.get("serviceAccountRoleArn", "")
    if "podIdentityAssociations" in parameters:
        remove_owned_associations(world, key)
        create_owned_associations(world, key, addon.facts, parameters["podIdentityAssociations"])
    world.tokens[token] = _begin_update(world, key)
    return {"update": _describe_update(world, key, addon.update_id)}


def _begin_update(world: World, key: Key) -> str:
    """Let an add-on go through the stages of an update, and return the id of the update."""
    addon = world.addons[key]
    addon.update_id = f"update-{next(world.counter)}"
    addon.stages, addon.began_at = world.take_stages(key.name, "update"), world.clock()
    created = addon.facts["createdAt"] + next(world.counter)
    addon.updates[addon.update_id] = {"id": addon.update_id, "type": "AddonUpdate", "createdAt": created, "params": []}
    return addon.update_id


def delete_addon(world: World, region: str, **parameters: Any) -> Answer:
    """DeleteAddon."""
    key = Key(region, parameters["clusterName"], parameters["addonName"])
    find_cluster(region, key.cluster)
    _require_stage(world, key)
    addon = world.addons[key]
    addon.is_preserved = bool(parameters.get("preserve"))
    addon.stages, addon.began_at = world.take_stages(key.name, "delete"), world.clock()
    return {"addon": _describe_addon(world, key)}


def describe_update(world: World, region: str, **parameters: Any) -> Answer:
    """DescribeUpdate, of add-ons."""
    key = Key(region, parameters["name"], parameters.get("addonName", ""))
    _require_stage(world, key)
    return {"update": _describe_update(world, key, parameters["updateId"])}


def list_updates(world: World, region: str, **parameters: Any) -> Answer:
    """ListUpdates, of add-ons."""
    key = Key(region, parameters["name"], parameters.get("addonName", ""))
    _require_stage(world, key)
    return {"updateIds": list(world.addons[key].updates)}


OPERATIONS: dict[str, Callable[..., Answer]] = {
    "CreateAddon": create_addon,
    "DescribeAddon": describe_addon,
    "ListAddons": list_addons,
    "UpdateAddon": update_addon,
    "DeleteAddon": delete_addon,
    "DescribeUpdate": describe_update,
    "ListUpdates": list_updates,
    "DescribeAddonVersions": catalog.describe_addon_versions,
    "DescribeAddonConfiguration": catalog.describe_addon_configuration,
}


def _find_stage(world: World, key: Key) -> Stage | None:
    """Return the stage that an add-on is in now, and do what its end brings; None if there is no such add-on."""
    addon = world.addons.get(key)
    if addon is None:
        return None
    stage = _stage_after(world.clock() - addon.began_at, addon.stages)
    if stage.status == "ABSENT":
        remove_owned_associations(world, key)
        del world.addons[key]
        return None
    if _is_settled(addon, stage):
        if not stage.status.endswith("_FAILED"):
            addon.facts |= addon.pending
        addon.pending = {}
    return stage


def _stage_after(seconds: float, stages: Sequence[Stage]) -> Stage:
    """Return the stage that is reached some seconds after the first began; the last one stays."""
    for stage in stages[:-1]:
        if seconds < stage.seconds:
            return stage
        seconds -= stage.seconds
    return stages[-1]


def _is_settled(addon: Addon, stage: Stage) -> bool:
    """Whether an operation has come to its end."""
    return stage is addon.stages[-1] and stage.status not in ("CREATING", "UPDATING")


def _require_stage(world: World, key: Key) -> Stage:
    """Return the stage that an add-on is in now. Raises AwsError if there is no such add-on."""
    stage = _find_stage(world, key)
    if stage is None:
        raise AwsError("ResourceNotFoundException", f"No addon: {key.name} found in cluster: {key.cluster}")
    return stage


def _describe_addon(world: World, key: Key) -> Answer:
    """Return what DescribeAddon says of an add-on. Raises AwsError if there is no such add-on."""
    stage, addon = _require_stage(world, key), world.addons[key]
    answer = {name: value for name, value in addon.facts.items() if value}
    issues = [{"code": code, "message": f"{code} of {key.name}", "resourceIds": [key.name]} for code in stage.issues]
    answer |= {"status": stage.status, "health": {"issues": issues}}
    arn = addon.facts["addonArn"]
    owned_arns = [
        association["associationArn"]
        for association in world.associations.values()
        if association.get("ownerArn") == arn
    ]
    if owned_arns:
        answer["podIdentityAssociations"] = owned_arns
    return answer


def _describe_update(world: World, key: Key, update_id: str) -> Answer:
    """Return what DescribeUpdate says of an update. Raises AwsError if there is no such add-on or update.

    How an update has ended is kept, so that the end of a later one does not change it.
    """
    stage, addon = _require_stage(world, key), world.addons[key]
    if update_id not in addon.updates:
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {update_id}")
    update = addon.updates[update_id]
    if update_id != addon.update_id or "status" in update:
        return update
    if not _is_settled(addon, stage):
        return update | {"status": "InProgress", "errors": []}
    failed = stage.status.endswith("_FAILED")
    errors = [{"errorCode": code, "errorMessage": f"{code} of the update"} for code in stage.errors if failed]
    update |= {"status": "Failed" if failed else "Successful", "errors": errors}
    return update


def _default_version(name: str, cluster_version: str) -> str:
    """Return the default version of an add-on for a version of Kubernetes. Raises AwsError without one."""
    for version, info in catalog.versions_by_name(name).items():
        if any(
            compatibility["clusterVersion"] == cluster_version and compatibility["defaultVersion"]
            for compatibility in info["compatibilities"]
        ):
            return version
    raise AwsError(
        "InvalidParameterException", f"Addon {name} is not supported in {cluster_version} kubernetes version"
    )


def _check_version(name: str, version: str, cluster_version: str, configuration: str | None) -> None:
    """Raise AwsError unless the add-on has this version for a version of Kubernetes, and takes the configuration."""
    info = catalog.versions_by_name(name).get(version)
    if not info or cluster_version not in [
        compatibility["clusterVersion"] for compatibility in info["compatibilities"]
    ]:
        raise AwsError("InvalidParameterException", "Addon version specified is not supported")
    try:
        jsonschema.validate(json.loads(configuration or "{}"), catalog.configuration_schema(name, version))
    except jsonschema.ValidationError as error:
        message = f"ConfigurationValue provided in request is not supported: {error.message}"
        raise AwsError("InvalidParameterException", message) from error
