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
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import Problem
from ..addon.addon_states import Patience, issues_of
from ..addon.addon_versions import available, choose, order
from .addon_wait import AddonReads, AddonWait, Limits, fact


def _version_row(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return one version of an add-on that EKS offers."""
    fitting = items(info, "compatibilities")
    return {
        "version": info["addonVersion"],
        "architectures": items(info, "architecture"),
        "compute_types": items(info, "computeTypes"),
        "kubernetes_versions": [one["clusterVersion"] for one in fitting],
        "default_for": [one["clusterVersion"] for one in fitting if one.get("defaultVersion")],
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
            self._wait()
        if self.cluster:
            facts["addons"] = self._installed()
        if self.params["available"] or self.params["configuration"]:
            facts["kubernetes_version"] = self._kubernetes()
        if self.params["available"]:
            facts["available"] = [self._available(addon) for addon in self._offered()]
        if self.params["configuration"]:
            facts["configuration"] = self._configuration(facts.get("addons") or [])
        return facts

    def _kubernetes(self) -> str:
        """Return the version of Kubernetes that is asked about: the given one, else that of the cluster."""
        if self.cluster and not self.kubernetes:
            self.kubernetes = AddonReads(self.eks, self.cluster, "").kubernetes()
        return str(self.kubernetes)

    def _wait(self) -> None:
        """Wait until the add-on is healthy, whoever manages it. A cluster that does not exist fails at once."""
        reads = AddonReads(self.eks, self.cluster, self.name)
        if reads.addon() is None:
            reads.kubernetes()
        patience = Patience(self.params["degraded"], self.params["degraded_seconds"])
        wait = AddonWait(reads, Limits({"follow": self.params["wait_timeout"]}, patience), self.salt)
        wait.until_done("follow")
        self.aws.warn(*wait.warnings)

    @CallErrors.common_error_handler("list the add-ons of the cluster")
    def _installed(self) -> list[dict[str, Any]]:
        """Return the named add-on of the cluster, or all of them."""
        names = [self.name] if self.name else self.eks.pages("list_addons", "addons", clusterName=self.cluster)
        addons = []
        for name in names:
            reads = AddonReads(self.eks, self.cluster, name)
            addon = reads.addon()
            if addon:
                issues = [issue.fact for issue in issues_of(addon)]
                identities = []
                for account, role in reads.identities(addon).items():
                    identities.append({"service_account": account, "role_arn": role})
                addons.append(fact(addon, self.salt) | {"issues": issues, "pod_identity_associations": identities})
        return addons

    @CallErrors.list_error_handler("list the add-ons that EKS has", ())
    def _offered(self) -> list[dict[str, Any]]:
        query = {"addonName": self.name, "kubernetesVersion": self.kubernetes}
        given = {key: value for key, value in query.items() if value}
        return self.eks.pages("describe_addon_versions", "addons", **given)

    def _available(self, addon: dict[str, Any]) -> dict[str, Any]:
        """Return what EKS offers of an add-on, the newest version first."""
        infos = items(addon, "addonVersions")
        newest_first = sorted(infos, key=lambda info: order(info["addonVersion"]), reverse=True)
        versions = [_version_row(info) for info in newest_first]
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
            "product_url": section(addon, "marketplaceInformation").get("productUrl") or "",
            "default_version": default_version,
            "latest_version": versions[0]["version"] if versions else "",
            "versions": versions,
        }

    def _configuration(self, installed: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the schema of the configuration, and the service accounts that need policies."""
        version = self._version(installed[0]["addon_version"] if installed else None)
        answer = AddonReads(self.eks, self.cluster or "", self.name).configuration(version)
        accounts = []
        for identity in items(answer, "podIdentityConfiguration"):
            policies = items(identity, "recommendedManagedPolicies")
            accounts.append({"service_account": identity["serviceAccount"], "managed_policies": policies})
        schema = json.loads(answer.get("configurationSchema") or "{}")
        return {"version": version, "schema": schema, "service_accounts": accounts}

    def _version(self, installed: str | None) -> str:
        asked = self.params["version"]
        if asked not in (None, "default", "latest"):
            return str(asked)
        if asked is None and installed:
            return installed
        if not self.kubernetes:
            fix = "Give version, or cluster_name or kubernetes_version to choose one for it."
            raise Problem("no version is known", asked=f"Read the configuration schema of {self.name}", fix=fix)
        versions = available(self._offered(), self.name, self.kubernetes)
        return choose(asked, None, versions, self.name, self.kubernetes).version


def run_addon_info(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: AddonInfo(aws, module.params).run())
