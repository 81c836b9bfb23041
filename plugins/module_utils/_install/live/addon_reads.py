# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reads about one EKS add-on: the add-on, its versions, its updates and the roles of its pods. Private.

Modules eks_addon and eks_addon_info read by `AddonReads`. Each method makes one or some calls of EKS; the retries of
botocore are off, because they know neither the remaining time nor fresh credentials (service_calls.py).
`describe_addon` makes the answer of EKS the part `addon` of a result, without secrets.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from ..._identity.live.call_errors import AnsibleCallError, CallErrors
from ..._identity.live.service_calls import ServiceCalls
from ..._kube.live.libraries import import_library
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.yaml.yaml_documents import load_document
from ..addon.addon_secrets import mask_secrets
from ..addon.addon_states import ABSENT
from ..addon.addon_versions import (
    AddonVersion,
    AddonVersionChoice,
    choose_version,
    list_kubernetes_versions,
    list_offered_versions,
    unknown_addon_problem,
)

# An add-on as DescribeAddon returns it.
LiveAddon = dict[str, Any]
# So many updates at each end of the list are read. The newest one is at one end, but the API does not say at which.
RECENT_UPDATES = 5


def parse_configuration(configuration: str) -> Any:
    """Return the parsed configuration of an add-on: this collection writes JSON, and other owners may write YAML."""
    try:
        return json.loads(configuration or "null")
    except ValueError:
        return load_document(import_library("yaml", "PyYAML"), configuration, "configuration_values").data


def addon_status(addon: LiveAddon | None) -> str:
    """Return the status of an add-on, such as `ACTIVE`; ABSENT if it is not there."""
    return str(addon.get("status")) if addon else ABSENT


class AddonReads:
    """The reads about one add-on of one cluster."""

    def __init__(self, eks: ServiceCalls, cluster: str, name: str) -> None:
        self.eks, self.cluster, self.name = eks, cluster, name

    @CallErrors.list_error_handler("describe the add-on")
    def read_addon(self) -> dict[str, Any] | None:
        """Return the add-on; None if there is no such add-on or cluster."""
        addon: dict[str, Any] = self.eks("describe_addon", clusterName=self.cluster, addonName=self.name)["addon"]
        return addon

    @CallErrors.common_error_handler("describe the cluster")
    def read_kubernetes_version(self) -> str:
        """Return the cluster's version of Kubernetes."""
        return str(self.eks("describe_cluster", name=self.cluster)["cluster"]["version"])

    def choose_version(self, requested_version: str | None, installed_version: str | None) -> AddonVersionChoice:
        """Return the version to install, out of those that EKS offers for the cluster. Raises Problem for no such."""
        kubernetes = self.read_kubernetes_version()
        offered_versions = self.list_versions(kubernetes)
        other_kubernetes = [] if offered_versions or installed_version else self._list_other_kubernetes()
        return choose_version(
            requested_version, installed_version, offered_versions, self.name, kubernetes, elsewhere=other_kubernetes
        )

    @CallErrors.list_error_handler("list the versions of the add-on", ())
    def list_versions(self, kubernetes: str) -> list[AddonVersion]:
        """Return the versions of the add-on that EKS offers for a version of Kubernetes."""
        query = {"addonName": self.name, "kubernetesVersion": kubernetes}
        addons = self.eks.read_pages("describe_addon_versions", "addons", **query)
        return list_offered_versions(addons, self.name, kubernetes)

    @CallErrors.common_error_handler("list the add-ons that EKS has")
    def _list_other_kubernetes(self) -> list[str]:
        """Return the versions of Kubernetes for which EKS offers the add-on. Raises Problem if it has no such one."""
        addons = self.eks.read_pages("describe_addon_versions", "addons")
        addon_names = [addon["addonName"] for addon in addons]
        if self.name not in addon_names:
            raise unknown_addon_problem(self.name, addon_names)
        return list_kubernetes_versions(addons, self.name)

    @CallErrors.common_error_handler("read the configuration schema of the add-on")
    def read_configuration(self, version: str) -> dict[str, Any]:
        """Return the answer of DescribeAddonConfiguration about a version of the add-on."""
        return self.eks("describe_addon_configuration", addonName=self.name, addonVersion=version)

    def read_identities(self, addon: dict[str, Any] | None) -> dict[str, str]:
        """Return the ARNs of an add-on's roles, by service account."""
        roles = {}
        for arn in list_at(addon, "podIdentityAssociations"):
            association = self._read_identity(arn)
            if association:
                roles[association["serviceAccount"]] = association["roleArn"]
        return roles

    @CallErrors.list_error_handler("describe the pod identities of the add-on")
    def _read_identity(self, arn: str) -> dict[str, Any] | None:
        query = {"clusterName": self.cluster, "associationId": arn.rpartition("/")[2]}
        association: dict[str, Any] = self.eks("describe_pod_identity_association", **query)["association"]
        return association

    @CallErrors.list_error_handler("describe the update of the add-on")
    def read_update(self, update_id: str) -> dict[str, Any] | None:
        """Return an update as DescribeUpdate has it; None if there is no such update."""
        query = {"name": self.cluster, "addonName": self.name, "updateId": update_id}
        update: dict[str, Any] = self.eks("describe_update", **query)["update"]
        return update

    def read_failed_update(self) -> dict[str, Any] | None:
        """Return the last update that failed; None if there is none, or if it cannot be read.

        It only adds to the message about a failure, so an error of these reads is ignored.
        """
        failed_updates = []
        try:
            update_ids = self.eks.read_pages("list_updates", "updateIds", name=self.cluster, addonName=self.name)
            # As keys, since both ends of a short list have the same updates.
            for update_id in dict.fromkeys([*update_ids[:RECENT_UPDATES], *update_ids[-RECENT_UPDATES:]]):
                update = self.read_update(update_id)
                if update and update.get("status") == "Failed":
                    failed_updates.append(update)
        except _list_call_errors():
            return None
        return max(failed_updates, key=lambda update: str(update.get("createdAt")), default=None)


def _list_call_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of a call of AWS. botocore is imported here, since hosts without AWS do not have it."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    return (AnsibleCallError, BotoCoreError, ClientError)


def describe_addon(addon: dict[str, Any] | None, salt: str) -> dict[str, Any]:
    """Return an add-on as the result of a task, without the secrets of its configuration."""
    if not addon:
        return {}
    description: dict[str, Any] = boto3_resource_to_ansible_dict(
        addon, transform_tags=False, force_tags=False, ignore_list=["tags"]
    )
    values = mask_secrets(parse_configuration(description.pop("configuration_values", "") or "") or {}, salt)
    tags = mask_and_clean(dict(mapping_at(addon, "tags")))
    return {**mask_and_clean(description), "configuration_values": values, "tags": tags}
