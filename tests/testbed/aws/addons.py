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
from tests.testbed.aws.associations import FIRST_TIME, attach, detach
from tests.testbed.aws.clusters import cluster
from tests.testbed.aws.world import ACCOUNT, Addon, AwsError, Key, Stage, World, partition

Answer = dict[str, Any]
STEADY = ("ACTIVE", "DEGRADED", "CREATE_FAILED", "UPDATE_FAILED")
"""Statuses in which an add-on can be updated."""
SETTINGS = ("serviceAccountRoleArn", "configurationValues")
UPDATED = ("addonVersion", *SETTINGS)
NAMESPACE = "opentelemetry-operator-system"
"""Of an add-on that is created without another one."""


def create_addon(world: World, region: str, **given: Any) -> Answer:
    """CreateAddon."""
    name, token = given["addonName"], given.get("clientRequestToken", "")
    version = cluster(region, given["clusterName"]).version
    key = Key(region, given["clusterName"], name)
    if token in world.tokens:
        return {"addon": _described(world, key)}
    if _stage(world, key):
        raise AwsError("ResourceInUseException", "Addon already exists.")
    chosen = given.get("addonVersion") or _default(name, version)
    _check(name, chosen, version, given.get("configurationValues"))
    facts = _new_facts(next(world.counter), key, chosen, given)
    world.addons[key] = Addon(facts, world.stages(name, "create"), world.clock())
    attach(world, key, facts, given.get("podIdentityAssociations") or [])
    world.tokens[token] = name
    return {"addon": _described(world, key)}


def _new_facts(number: int, key: Key, version: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of the add-on with a number."""
    prefix = f"arn:{partition(key.region)}:eks:{key.region}:{ACCOUNT}"
    facts = {
        "addonName": key.name,
        "clusterName": key.cluster,
        "addonVersion": version,
        "addonArn": f"{prefix}:addon/{key.cluster}/{key.name}/{number:08d}",
        "createdAt": FIRST_TIME + number,
        "modifiedAt": FIRST_TIME + number,
        **{field: given[field] for field in (*SETTINGS, "tags", "namespaceConfig") if given.get(field)},
    }
    facts.setdefault("namespaceConfig", {"namespace": NAMESPACE})
    return facts


def describe_addon(world: World, region: str, **given: Any) -> Answer:
    """DescribeAddon."""
    cluster(region, given["clusterName"])
    return {"addon": _described(world, Key(region, given["clusterName"], given["addonName"]))}


def list_addons(world: World, region: str, **given: Any) -> Answer:
    """ListAddons."""
    cluster(region, given["clusterName"])
    names = []
    for key in list(world.addons):  # `_stage` may remove one
        if (key.region, key.cluster) == (region, given["clusterName"]) and _stage(world, key):
            names.append(key.name)
    return {"addons": sorted(names)}


def update_addon(world: World, region: str, **given: Any) -> Answer:
    """UpdateAddon. A role that is left out is taken away; values and identities that are left out stay."""
    key = Key(region, given["clusterName"], given["addonName"])
    token = given.get("clientRequestToken", "")
    if token in world.tokens:
        return {"update": _update(world, key, world.tokens[token])}
    stage, addon = _there(world, key), world.addons[key]
    if stage.status not in STEADY:
        text = f"Addon {key.name} cannot be updated as it is currently in {stage.status} state"
        raise AwsError("ResourceInUseException", text)
    version = given.get("addonVersion") or addon.facts["addonVersion"]
    _check(key.name, version, cluster(region, key.cluster).version, given.get("configurationValues"))
    addon.pending = {field: given[field] for field in UPDATED if field in given}
    addon.pending["serviceAccountRoleArn"] = given.get("serviceAccountRoleArn", "")
    if "podIdentityAssociations" in given:
        detach(world, key)
        attach(world, key, addon.facts, given["podIdentityAssociations"])
    world.tokens[token] = _begin_update(world, key)
    return {"update": _update(world, key, addon.update_id)}


def _begin_update(world: World, key: Key) -> str:
    """Let an add-on go through the stages of an update, and return the id of the update."""
    addon = world.addons[key]
    addon.update_id = f"update-{next(world.counter)}"
    addon.stages, addon.began = world.stages(key.name, "update"), world.clock()
    created = addon.facts["createdAt"] + next(world.counter)
    addon.updates[addon.update_id] = {"id": addon.update_id, "type": "AddonUpdate", "createdAt": created, "params": []}
    return addon.update_id


def delete_addon(world: World, region: str, **given: Any) -> Answer:
    """DeleteAddon."""
    key = Key(region, given["clusterName"], given["addonName"])
    cluster(region, key.cluster)
    _there(world, key)
    addon = world.addons[key]
    addon.preserve = bool(given.get("preserve"))
    addon.stages, addon.began = world.stages(key.name, "delete"), world.clock()
    return {"addon": _described(world, key)}


def describe_update(world: World, region: str, **given: Any) -> Answer:
    """DescribeUpdate, of add-ons."""
    key = Key(region, given["name"], given.get("addonName", ""))
    _there(world, key)
    return {"update": _update(world, key, given["updateId"])}


def list_updates(world: World, region: str, **given: Any) -> Answer:
    """ListUpdates, of add-ons."""
    key = Key(region, given["name"], given.get("addonName", ""))
    _there(world, key)
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


def _stage(world: World, key: Key) -> Stage | None:
    """Return the stage that an add-on is in now, and do what its end brings; None if there is no such add-on."""
    addon = world.addons.get(key)
    if addon is None:
        return None
    stage = _stage_after(world.clock() - addon.began, addon.stages)
    if stage.status == "ABSENT":
        detach(world, key)
        del world.addons[key]
        return None
    if _settled(addon, stage):
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


def _settled(addon: Addon, stage: Stage) -> bool:
    """Whether an operation has come to its end."""
    return stage is addon.stages[-1] and stage.status not in ("CREATING", "UPDATING")


def _there(world: World, key: Key) -> Stage:
    """Return the stage that an add-on is in now. Raises AwsError if there is no such add-on."""
    stage = _stage(world, key)
    if stage is None:
        raise AwsError("ResourceNotFoundException", f"No addon: {key.name} found in cluster: {key.cluster}")
    return stage


def _described(world: World, key: Key) -> Answer:
    """Return what DescribeAddon says of an add-on. Raises AwsError if there is no such add-on."""
    stage, addon = _there(world, key), world.addons[key]
    answer = {name: value for name, value in addon.facts.items() if value}
    issues = [{"code": code, "message": f"{code} of {key.name}", "resourceIds": [key.name]} for code in stage.issues]
    answer |= {"status": stage.status, "health": {"issues": issues}}
    arn = addon.facts["addonArn"]
    owned = [item["associationArn"] for item in world.associations.values() if item.get("ownerArn") == arn]
    if owned:
        answer["podIdentityAssociations"] = owned
    return answer


def _update(world: World, key: Key, update_id: str) -> Answer:
    """Return what DescribeUpdate says of an update. Raises AwsError if there is no such add-on or update.

    How an update has ended is kept, so that the end of a later one does not change it.
    """
    stage, addon = _there(world, key), world.addons[key]
    if update_id not in addon.updates:
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {update_id}")
    update = addon.updates[update_id]
    if update_id != addon.update_id or "status" in update:
        return update
    if not _settled(addon, stage):
        return update | {"status": "InProgress", "errors": []}
    failed = stage.status.endswith("_FAILED")
    errors = [{"errorCode": code, "errorMessage": f"{code} of the update"} for code in stage.errors if failed]
    update |= {"status": "Failed" if failed else "Successful", "errors": errors}
    return update


def _default(name: str, kubernetes: str) -> str:
    """Return the default version of an add-on for a version of Kubernetes. Raises AwsError without one."""
    for version, info in catalog.versions(name).items():
        if any(one["clusterVersion"] == kubernetes and one["defaultVersion"] for one in info["compatibilities"]):
            return version
    raise AwsError("InvalidParameterException", f"Addon {name} is not supported in {kubernetes} kubernetes version")


def _check(name: str, version: str, kubernetes: str, configuration: str | None) -> None:
    """Raise AwsError unless the add-on has this version for a version of Kubernetes, and takes the configuration."""
    info = catalog.versions(name).get(version)
    if not info or kubernetes not in [one["clusterVersion"] for one in info["compatibilities"]]:
        raise AwsError("InvalidParameterException", "Addon version specified is not supported")
    try:
        jsonschema.validate(json.loads(configuration or "{}"), catalog.schema(name, version))
    except jsonschema.ValidationError as error:
        text = f"ConfigurationValue provided in request is not supported: {error.message}"
        raise AwsError("InvalidParameterException", text) from error
