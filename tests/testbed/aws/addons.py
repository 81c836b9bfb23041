# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS add-ons as EKS has them: each operation a function of the world; its caller checks the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
from moto.eks.models import eks_backends

from tests.testbed.aws import catalog
from tests.testbed.aws.associations import attach, detach
from tests.testbed.aws.world import ACCOUNT, Addon, AwsError, Stage, World, partition

Answer = dict[str, Any]
STEADY = ("ACTIVE", "DEGRADED", "CREATE_FAILED", "UPDATE_FAILED")
FIELDS = ("addonVersion", "serviceAccountRoleArn", "configurationValues")


def cluster(region: str, name: str) -> Any:
    """Return moto's cluster."""
    found = eks_backends[ACCOUNT][region].clusters.get(name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")
    return found


def create_addon(world: World, region: str, **given: Any) -> Answer:
    """CreateAddon."""
    name, token = given["addonName"], given.get("clientRequestToken", "")
    version = cluster(region, given["clusterName"]).version
    key = (region, given["clusterName"], name)
    if token in world.tokens:
        return {"addon": _described(world, key)}
    if _stage(world, key):
        raise AwsError("ResourceInUseException", "Addon already exists.")
    chosen = given.get("addonVersion") or _default(name, version)
    _check(name, chosen, version, given.get("configurationValues"))
    number = next(world.counter)
    facts = {
        "addonName": name,
        "clusterName": given["clusterName"],
        "addonVersion": chosen,
        "addonArn": f"arn:{partition(region)}:eks:{region}:{ACCOUNT}:addon/{given['clusterName']}/{name}/{number:08d}",
        "createdAt": 1.7e9 + number,
        "modifiedAt": 1.7e9 + number,
        **{field: given[field] for field in (*FIELDS[1:], "tags", "namespaceConfig") if given.get(field)},
    }
    facts.setdefault("namespaceConfig", {"namespace": "opentelemetry-operator-system"})
    world.addons[key] = Addon(facts, world.stages(name, "create"), world.clock())
    attach(world, key, facts, given.get("podIdentityAssociations") or [])
    world.tokens[token] = name
    return {"addon": _described(world, key)}


def describe_addon(world: World, region: str, **given: Any) -> Answer:
    """DescribeAddon."""
    cluster(region, given["clusterName"])
    return {"addon": _described(world, (region, given["clusterName"], given["addonName"]))}


def list_addons(world: World, region: str, **given: Any) -> Answer:
    """ListAddons."""
    cluster(region, given["clusterName"])
    keys = [key for key in list(world.addons) if key[:2] == (region, given["clusterName"]) and _stage(world, key)]
    return {"addons": sorted(key[2] for key in keys)}


def update_addon(world: World, region: str, **given: Any) -> Answer:
    """UpdateAddon. A role that is left out is taken away; values and identities that are left out stay."""
    key = (region, given["clusterName"], given["addonName"])
    token = given.get("clientRequestToken", "")
    if token in world.tokens:
        return {"update": _update(world, key, world.tokens[token])}
    stage, addon = _there(world, key), world.addons[key]
    if stage.status not in STEADY:
        text = f"Addon {key[2]} cannot be updated as it is currently in {stage.status} state"
        raise AwsError("ResourceInUseException", text)
    version = given.get("addonVersion") or addon.facts["addonVersion"]
    _check(key[2], version, cluster(region, key[1]).version, given.get("configurationValues"))
    addon.pending = {field: given[field] for field in FIELDS if field in given}
    addon.pending["serviceAccountRoleArn"] = given.get("serviceAccountRoleArn", "")
    if "podIdentityAssociations" in given:
        detach(world, key)
        attach(world, key, addon.facts, given["podIdentityAssociations"])
    addon.update_id = world.tokens[token] = f"update-{next(world.counter)}"
    addon.stages, addon.began = world.stages(key[2], "update"), world.clock()
    created = addon.facts["createdAt"] + next(world.counter)
    addon.updates[addon.update_id] = {"id": addon.update_id, "type": "AddonUpdate", "createdAt": created, "params": []}
    return {"update": _update(world, key, addon.update_id)}


def delete_addon(world: World, region: str, **given: Any) -> Answer:
    """DeleteAddon."""
    key = (region, given["clusterName"], given["addonName"])
    cluster(region, key[1])
    _there(world, key)
    addon = world.addons[key]
    addon.preserve = bool(given.get("preserve"))
    addon.stages, addon.began = world.stages(key[2], "delete"), world.clock()
    return {"addon": _described(world, key)}


def describe_update(world: World, region: str, **given: Any) -> Answer:
    """DescribeUpdate, of add-ons."""
    key = (region, given["name"], given.get("addonName", ""))
    _there(world, key)
    return {"update": _update(world, key, given["updateId"])}


def list_updates(world: World, region: str, **given: Any) -> Answer:
    """ListUpdates, of add-ons."""
    key = (region, given["name"], given.get("addonName", ""))
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


def _stage(world: World, key: tuple[str, str, str]) -> Stage | None:
    """Return the stage that an add-on is in now, and do what its end brings."""
    addon = world.addons.get(key)
    if addon is None:
        return None
    left = world.clock() - addon.began
    stage = addon.stages[-1]
    for candidate in addon.stages[:-1]:
        if left < candidate.seconds:
            stage = candidate
            break
        left -= candidate.seconds
    if stage.status == "ABSENT":
        detach(world, key)
        del world.addons[key]
        return None
    if _settled(addon, stage):
        if not stage.status.endswith("_FAILED"):
            addon.facts |= addon.pending
        addon.pending = {}
    return stage


def _settled(addon: Addon, stage: Stage) -> bool:
    """Whether an operation has come to its end."""
    return stage is addon.stages[-1] and stage.status not in ("CREATING", "UPDATING")


def _there(world: World, key: tuple[str, str, str]) -> Stage:
    stage = _stage(world, key)
    if stage is None:
        raise AwsError("ResourceNotFoundException", f"No addon: {key[2]} found in cluster: {key[1]}")
    return stage


def _described(world: World, key: tuple[str, str, str]) -> Answer:
    stage, addon = _there(world, key), world.addons[key]
    issues = [{"code": code, "message": f"{code} of {key[2]}", "resourceIds": [key[2]]} for code in stage.issues]
    owned = [
        item["associationArn"]
        for item in world.associations.values()
        if item.get("ownerArn") == addon.facts["addonArn"]
    ]
    facts = {name: value for name, value in addon.facts.items() if value}
    return (
        facts
        | {"status": stage.status, "health": {"issues": issues}}
        | ({"podIdentityAssociations": owned} if owned else {})
    )


def _update(world: World, key: tuple[str, str, str], update_id: str) -> Answer:
    stage, addon = _there(world, key), world.addons[key]
    if update_id not in addon.updates:
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {update_id}")
    update = addon.updates[update_id]
    if update_id == addon.update_id and "status" not in update:
        status, errors = "InProgress", []
        if _settled(addon, stage):
            failed = stage.status.endswith("_FAILED")
            status = "Failed" if failed else "Successful"
            errors = [{"errorCode": code, "errorMessage": f"{code} of the update"} for code in stage.errors if failed]
            update |= {"status": status, "errors": errors}
        return update | {"status": status, "errors": errors}
    return update


def _default(name: str, kubernetes: str) -> str:
    for version, info in catalog.versions(name).items():
        if any(one["clusterVersion"] == kubernetes and one["defaultVersion"] for one in info["compatibilities"]):
            return version
    raise AwsError("InvalidParameterException", f"Addon {name} is not supported in {kubernetes} kubernetes version")


def _check(name: str, version: str, kubernetes: str, configuration: str | None) -> None:
    info = catalog.versions(name).get(version)
    if not info or kubernetes not in [one["clusterVersion"] for one in info["compatibilities"]]:
        raise AwsError("InvalidParameterException", "Addon version specified is not supported")
    try:
        jsonschema.validate(json.loads(configuration or "{}"), catalog.schema(name, version))
    except jsonschema.ValidationError as error:
        text = f"ConfigurationValue provided in request is not supported: {error.message}"
        raise AwsError("InvalidParameterException", text) from error
