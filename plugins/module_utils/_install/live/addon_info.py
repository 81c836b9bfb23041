# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS has of add-ons: installed ones, versions on offer, and what one can configure. Private."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._identity.live.aws_api import Aws, CallErrors, run
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..addon.addon_states import Patience, list_issues
from ..addon.addon_versions import choose_version, list_offered_versions, version_order
from .addon_wait import AddonReads, AddonWait, Limits, describe_addon


def _make_version_row(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return one version of an add-on that EKS offers."""
    compatibilities = list_at(info, "compatibilities")
    return {
        "version": info["addonVersion"],
        "architectures": list_at(info, "architecture"),
        "compute_types": list_at(info, "computeTypes"),
        "kubernetes_versions": [compatibility["clusterVersion"] for compatibility in compatibilities],
        "default_for": [
            compatibility["clusterVersion"] for compatibility in compatibilities if compatibility.get("defaultVersion")
        ],
        "requires_configuration": bool(info.get("requiresConfiguration")),
        "requires_iam_permissions": bool(info.get("requiresIamPermissions")),
    }


class AddonInfo:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params, self.salt, self.eks = aws, params, secrets.token_hex(8), aws.calls("eks")
        self.cluster, self.name = params["cluster_name"], params["name"]
        self.kubernetes = params["kubernetes_version"] or ""

    def run(self) -> dict[str, Any]:
        """Read only what the options request."""
        facts: dict[str, Any] = {"changed": False}
        if self.params["wait"] and not self.aws.check:  # in check mode its owner has not created it yet
            self._wait_until_healthy()
        if self.cluster:
            facts["addons"] = self._list_installed()
        if self.params["available"] or self.params["configuration"]:
            facts["kubernetes_version"] = self._read_kubernetes_version()
        if self.params["available"]:
            facts["available"] = [self._describe_offer(addon) for addon in self._list_offered()]
        if self.params["configuration"]:
            facts["configuration"] = self._read_configuration(facts.get("addons") or [])
        return facts

    def _read_kubernetes_version(self) -> str:
        """Return the version of Kubernetes that is asked about: the given one, else that of the cluster."""
        if self.cluster and not self.kubernetes:
            self.kubernetes = AddonReads(self.eks, self.cluster, "").read_kubernetes_version()
        return str(self.kubernetes)

    def _wait_until_healthy(self) -> None:
        """Wait until the add-on is healthy, whoever manages it. A cluster that does not exist fails at once."""
        reads = AddonReads(self.eks, self.cluster, self.name)
        if reads.read_addon() is None:
            reads.read_kubernetes_version()
        patience = Patience(self.params["degraded"], self.params["degraded_seconds"])
        addon_wait = AddonWait(reads, Limits({"follow": self.params["wait_timeout"]}, patience), self.salt)
        addon_wait.wait_until_done("follow")
        self.aws.warn(*addon_wait.warnings)

    @CallErrors.common_error_handler("list the add-ons of the cluster")
    def _list_installed(self) -> list[dict[str, Any]]:
        """Return the named add-on of the cluster, or all of them."""
        addon_names = (
            [self.name] if self.name else self.eks.read_pages("list_addons", "addons", clusterName=self.cluster)
        )
        addons = []
        for name in addon_names:
            reads = AddonReads(self.eks, self.cluster, name)
            addon = reads.read_addon()
            if addon:
                issues = [issue.fact_row for issue in list_issues(addon)]
                identities = []
                for account, role in reads.read_identities(addon).items():
                    identities.append({"service_account": account, "role_arn": role})
                addons.append(
                    describe_addon(addon, self.salt) | {"issues": issues, "pod_identity_associations": identities}
                )
        return addons

    @CallErrors.list_error_handler("list the add-ons that EKS has", ())
    def _list_offered(self) -> list[dict[str, Any]]:
        query = {"addonName": self.name, "kubernetesVersion": self.kubernetes}
        query_parameters = {key: value for key, value in query.items() if value}
        return self.eks.read_pages("describe_addon_versions", "addons", **query_parameters)

    def _describe_offer(self, addon: dict[str, Any]) -> dict[str, Any]:
        """Return what EKS offers of an add-on, the newest version first."""
        infos = list_at(addon, "addonVersions")
        newest_first = sorted(infos, key=lambda info: version_order(info["addonVersion"]), reverse=True)
        versions = [_make_version_row(info) for info in newest_first]
        default_version = ""
        for row in reversed(versions):
            if self.kubernetes in row["default_for"]:
                default_version = row["version"]
        return {
            "name": addon["addonName"],
            "type": addon.get("type") or "",
            "owner": addon.get("owner") or "",
            "publisher": addon.get("publisher") or "",
            "default_namespace": addon.get("defaultNamespace") or "",
            "product_url": mapping_at(addon, "marketplaceInformation").get("productUrl") or "",
            "default_version": default_version,
            "latest_version": versions[0]["version"] if versions else "",
            "versions": versions,
        }

    def _read_configuration(self, installed_addons: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the schema of the configuration, and the service accounts that need policies."""
        version = self._choose_version(installed_addons[0]["addon_version"] if installed_addons else None)
        answer = AddonReads(self.eks, self.cluster or "", self.name).read_configuration(version)
        accounts = []
        for identity in list_at(answer, "podIdentityConfiguration"):
            policies = list_at(identity, "recommendedManagedPolicies")
            accounts.append({"service_account": identity["serviceAccount"], "managed_policies": policies})
        schema = json.loads(answer.get("configurationSchema") or "{}")
        return {"version": version, "schema": schema, "service_accounts": accounts}

    def _choose_version(self, installed_version: str | None) -> str:
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


def run_addon_info(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: AddonInfo(aws, module.params).run())
