# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module eks_addon_info: the add-ons of a cluster, those that EKS offers, and how one is configured. Private.

Each option adds a key to the result. For example, `available: true` adds an `OfferRow` for each add-on that EKS offers.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, TypedDict

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._identity.live.aws_task import Aws, run
from ..._identity.live.call_errors import CallErrors
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..addon.addon_issues import list_issues
from ..addon.addon_states import Patience
from ..addon.addon_versions import choose_version, list_offered_versions, version_order
from .addon_reads import AddonReads, LiveAddon, describe_addon
from .addon_wait import AddonWait, WaitLimits


class VersionRow(TypedDict):
    """A version of an add-on that EKS offers, in the result of the module."""

    version: str
    architectures: list[str]
    compute_types: list[str]
    kubernetes_versions: list[str]
    """The versions of Kubernetes that it is offered for, such as 1.34."""
    default_for: list[str]
    """Those of them for which it is the default."""
    requires_configuration: bool
    requires_iam_permissions: bool


class OfferRow(TypedDict):
    """An add-on that EKS offers, in the result of the module. A text is empty if EKS does not say it."""

    name: str
    type: str
    owner: str
    publisher: str
    default_namespace: str
    product_url: str
    default_version: str
    """The default for the version of Kubernetes that the task is about."""
    latest_version: str
    versions: list[VersionRow]
    """The newest one first."""


class AddonInfo:
    """One run of the module."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module."""
        self.aws, self.params, self.eks = aws, params, aws.calls("eks")
        self.salt = secrets.token_hex(8)
        self.cluster, self.name = params["cluster_name"], params["name"]
        self.kubernetes = params["kubernetes_version"] or ""

    def run(self) -> dict[str, Any]:
        """Return the result of the task. Only what the options request is read."""
        result: dict[str, Any] = {"changed": False}
        if self.params["wait"] and not self.aws.check:  # in check mode its owner has not created it yet
            self._wait_until_healthy()
        if self.cluster:
            result["addons"] = self._list_installed()
        if self.params["available"] or self.params["configuration"]:
            result["kubernetes_version"] = self._read_kubernetes_version()
        if self.params["available"]:
            result["available"] = [self._describe_offer(addon) for addon in self._list_offered()]
        if self.params["configuration"]:
            result["configuration"] = self._read_configuration(result.get("addons") or [])
        return result

    def _read_kubernetes_version(self) -> str:
        """Return the version of Kubernetes that the task is about: the given one, else that of the cluster."""
        if self.cluster and not self.kubernetes:
            self.kubernetes = AddonReads(self.eks, self.cluster, "").read_kubernetes_version()
        return str(self.kubernetes)

    def _wait_until_healthy(self) -> None:
        """Wait until the add-on is healthy, whoever manages it."""
        reads = AddonReads(self.eks, self.cluster, self.name)
        if reads.read_addon() is None:
            reads.read_kubernetes_version()  # fails at once if the cluster does not exist
        patience = Patience(self.params["degraded"], self.params["degraded_seconds"])
        addon_wait = AddonWait(reads, WaitLimits({"watch": self.params["wait_timeout"]}, patience), self.salt)
        addon_wait.wait_until_done("watch")
        self.aws.warn(*addon_wait.warnings)

    @CallErrors.common_error_handler("list the add-ons of the cluster")
    def _list_installed(self) -> list[dict[str, Any]]:
        """Return the named add-on of the cluster, or all of them, as the result of the task has them."""
        addon_names = [self.name]
        if not self.name:
            addon_names = self.eks.read_pages("list_addons", "addons", clusterName=self.cluster)
        addons = []
        for name in addon_names:
            reads = AddonReads(self.eks, self.cluster, name)
            addon = reads.read_addon()
            if addon:
                addons.append(self._describe_installed(addon, reads.read_identities(addon)))
        if not addons and self.name:
            # EKS answers the same about a cluster that does not exist. This read fails then.
            AddonReads(self.eks, self.cluster, self.name).read_kubernetes_version()
        return addons

    def _describe_installed(self, addon: LiveAddon, roles_by_account: Mapping[str, str]) -> dict[str, Any]:
        """Return an add-on of the cluster with its issues and the roles of its service accounts."""
        issues = [issue.result_row for issue in list_issues(addon)]
        identities = [{"service_account": account, "role_arn": role} for account, role in roles_by_account.items()]
        return describe_addon(addon, self.salt) | {"issues": issues, "pod_identity_associations": identities}

    @CallErrors.list_error_handler("list the add-ons that EKS has", ())
    def _list_offered(self) -> list[dict[str, Any]]:
        """Return the add-ons that EKS offers, as DescribeAddonVersions has them."""
        query = {"addonName": self.name, "kubernetesVersion": self.kubernetes}
        query_parameters = {key: value for key, value in query.items() if value}
        return self.eks.read_pages("describe_addon_versions", "addons", **query_parameters)

    def _describe_offer(self, addon: dict[str, Any]) -> OfferRow:
        """Return an add-on that EKS offers as the result of the task has it."""
        versions = _list_version_rows(addon)
        default_versions = [row["version"] for row in versions if self.kubernetes in row["default_for"]]
        return {
            "name": addon["addonName"],
            "type": _text_at(addon, "type"),
            "owner": _text_at(addon, "owner"),
            "publisher": _text_at(addon, "publisher"),
            "default_namespace": _text_at(addon, "defaultNamespace"),
            "product_url": _text_at(mapping_at(addon, "marketplaceInformation"), "productUrl"),
            "default_version": default_versions[0] if default_versions else "",
            "latest_version": versions[0]["version"] if versions else "",
            "versions": versions,
        }

    def _read_configuration(self, installed_addons: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a version of the add-on, the schema of its configuration, and the policies that its roles need."""
        version = self._choose_version(installed_addons[0]["addon_version"] if installed_addons else None)
        answer = AddonReads(self.eks, self.cluster or "", self.name).read_configuration(version)
        accounts = []
        for identity in list_at(answer, "podIdentityConfiguration"):
            policies = list_at(identity, "recommendedManagedPolicies")
            accounts.append({"service_account": identity["serviceAccount"], "managed_policies": policies})
        schema = json.loads(answer.get("configurationSchema") or "{}")
        return {"version": version, "schema": schema, "service_accounts": accounts}

    def _choose_version(self, installed_version: str | None) -> str:
        """Return the requested version, else the installed one, else one that EKS offers. Raises Problem for none."""
        requested_version = self.params["version"]
        if requested_version not in (None, "default", "latest"):
            return str(requested_version)
        if requested_version is None and installed_version:
            return installed_version
        if not self.kubernetes:
            fix = "Give version, or cluster_name or kubernetes_version to choose one for it."
            raise Problem("no version is known", asked=f"Read the configuration schema of {self.name}", fix=fix)
        versions = list_offered_versions(self._list_offered(), self.name, self.kubernetes)
        return choose_version(requested_version, None, versions, self.name, self.kubernetes).version


def _text_at(answer: Mapping[str, Any], key: str) -> str:
    """Return a text of an answer of EKS; empty if EKS does not say it."""
    return str(answer.get(key) or "")


def _list_version_rows(addon: Mapping[str, Any]) -> list[VersionRow]:
    """Return the versions of an add-on that EKS offers, the newest one first."""
    infos = list_at(addon, "addonVersions")
    sorted_infos = sorted(infos, key=lambda info: version_order(info["addonVersion"]), reverse=True)
    return [_make_version_row(info) for info in sorted_infos]


def _make_version_row(info: Mapping[str, Any]) -> VersionRow:
    """Return a version of an add-on. `info` is its entry in the answer of DescribeAddonVersions."""
    kubernetes_versions = []
    default_for = []
    for compatibility in list_at(info, "compatibilities"):
        kubernetes_versions.append(compatibility["clusterVersion"])
        if compatibility.get("defaultVersion"):
            default_for.append(compatibility["clusterVersion"])
    return {
        "version": info["addonVersion"],
        "architectures": list_at(info, "architecture"),
        "compute_types": list_at(info, "computeTypes"),
        "kubernetes_versions": kubernetes_versions,
        "default_for": default_for,
        "requires_configuration": bool(info.get("requiresConfiguration")),
        "requires_iam_permissions": bool(info.get("requiresIamPermissions")),
    }


def run_addon_info(module: AnsibleAWSModule) -> None:
    """Run the module eks_addon_info, and exit with its result or failure."""
    run(module, lambda aws: AddonInfo(aws, module.params).run())
