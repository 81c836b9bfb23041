# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS says about an add-on. Private."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from ..._core.aws.settings import shown
from ..._core.aws.versions import AddonVersion, VersionChoice, choose, kubernetes_of, no_addon, offers
from .calls import AnsibleCallError, CallErrors, Calls
from .doors import parsed

# Of how many updates the errors are looked for; the newest comes last or first, which the API does not promise.
RECENT_UPDATES = 5


class AddonReads:
    """The reads about one add-on of one cluster."""

    def __init__(self, eks: Calls, cluster: str, name: str) -> None:
        self.eks, self.cluster, self.name = eks, cluster, name

    @CallErrors.list_error_handler("describe the add-on")
    def addon(self) -> dict[str, Any] | None:
        """Return the add-on, or nothing when it, or its cluster, is not there."""
        found: dict[str, Any] = self.eks("describe_addon", clusterName=self.cluster, addonName=self.name)["addon"]
        return found

    @CallErrors.common_error_handler("describe the cluster")
    def kubernetes(self) -> str:
        """Return the cluster's version of Kubernetes."""
        return str(self.eks("describe_cluster", name=self.cluster)["cluster"]["version"])

    def choice(self, asked: str | None, installed: str | None) -> VersionChoice:
        """Return the version to have."""
        kubernetes = self.kubernetes()
        found = self.offers(kubernetes)
        elsewhere = [] if found or installed else self._elsewhere()
        return choose(asked, installed, found, self.name, kubernetes, elsewhere=elsewhere)

    @CallErrors.list_error_handler("list the versions of the add-on", ())
    def offers(self, kubernetes: str) -> list[AddonVersion]:
        """Return the versions for a version of Kubernetes."""
        query = {"addonName": self.name, "kubernetesVersion": kubernetes}
        return offers(self.eks.pages("describe_addon_versions", "addons", **query), self.name, kubernetes)

    @CallErrors.common_error_handler("list the add-ons that EKS has")
    def _elsewhere(self) -> list[str]:
        """Return for which versions of Kubernetes EKS has it, or fail if EKS has no add-on of this name at all."""
        addons = self.eks.pages("describe_addon_versions", "addons")
        names = [item["addonName"] for item in addons]
        if self.name not in names:
            raise no_addon(self.name, names)
        return kubernetes_of(addons, self.name)

    @CallErrors.common_error_handler("read the configuration schema of the add-on")
    def configuration(self, version: str) -> dict[str, Any]:
        """Return what DescribeAddonConfiguration says about a version."""
        return self.eks("describe_addon_configuration", addonName=self.name, addonVersion=version)

    def identities(self, addon: dict[str, Any] | None) -> dict[str, str]:
        """Return the roles of an add-on by service account."""
        found = map(self._identity, (addon or {}).get("podIdentityAssociations") or [])
        return {item["serviceAccount"]: item["roleArn"] for item in found if item}

    @CallErrors.list_error_handler("describe the pod identities of the add-on")
    def _identity(self, arn: str) -> dict[str, Any] | None:
        query = {"clusterName": self.cluster, "associationId": arn.rpartition("/")[2]}
        found: dict[str, Any] = self.eks("describe_pod_identity_association", **query)["association"]
        return found

    @CallErrors.list_error_handler("describe the update of the add-on")
    def update(self, update_id: str) -> dict[str, Any] | None:
        """Return an update of the add-on."""
        query = {"name": self.cluster, "addonName": self.name, "updateId": update_id}
        found: dict[str, Any] = self.eks("describe_update", **query)["update"]
        return found

    def failed_update(self) -> dict[str, Any] | None:
        """Return the last update that failed, for its errors; they are no reason for another failure."""
        try:
            listed = self.eks.pages("list_updates", "updateIds", name=self.cluster, addonName=self.name)
            recent = dict.fromkeys([*listed[:RECENT_UPDATES], *listed[-RECENT_UPDATES:]])
            updates = [found for found in map(self.update, recent) if found and found.get("status") == "Failed"]
        except _call_errors():
            return None
        return max(updates, key=lambda item: str(item.get("createdAt")), default=None)


def _call_errors() -> tuple[type[BaseException], ...]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    return (AnsibleCallError, BotoCoreError, ClientError)


def fact(addon: dict[str, Any] | None, salt: str) -> dict[str, Any]:
    """Return an add-on as a result of a task, without what is secret in its configuration."""
    if not addon:
        return {}
    found: dict[str, Any] = boto3_resource_to_ansible_dict(
        addon, transform_tags=False, force_tags=False, ignore_list=["tags"]
    )
    found["configuration_values"] = shown(parsed(addon.get("configurationValues") or "") or {}, salt)
    return found | {"tags": dict(addon.get("tags") or {})}
