# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module release_render, and what a provider decides by them. Controller only. Private.

The documentation of the module explains each option. `render.py` gets them from the action and passes them to the file
of the provider, which is `olm.py`, `addon.py` or `own_release.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from ...module_utils._install.addon.addon_decision import InstalledAddon
from ...module_utils._install.olm.olm_objects import FoundOlm
from ...module_utils._install.releases.installed import FoundRelease
from ...module_utils._install.releases.release_request import ReleaseDecision
from ...module_utils._otelcol.kube.objects import Manifest


class ManifestOptions(TypedDict):
    """Where the manifest of a release is, and what is accepted of it. Module release_mirror has these options too."""

    source: str
    mirror: str
    sha256: str
    allow_privileges: Sequence[str]


class ReleaseArguments(ManifestOptions):
    """All options of module release_render, with their defaults filled in."""

    product: str
    state: str
    provider: str
    version: str
    namespace: str
    leader_election_namespace: str
    image_registry: str
    image_pull_secrets: Sequence[str]
    images: Mapping[str, str]
    feature_gates: Sequence[str]
    watch_namespaces: Sequence[str]
    workloads: Mapping[str, Mapping[str, Any]]
    """The tuning of each workload, such as `{manager: {replicas: 2}}`."""
    certificates: str
    issuer: Mapping[str, Any]
    ca_bundle: str
    installed: FoundRelease | None
    """The result of release_info."""
    foreign: str
    """What to do about an installation of another owner: `adopt`, `refuse` or `takeover`."""
    allow_skip: bool
    compatibility: str
    helm_release: str
    chart: str
    helm_values: Mapping[str, Any]
    eks_cluster: Mapping[str, Any]
    others: str
    addon_name: str
    addon: Mapping[str, Any]
    """The result of eks_addon in check mode."""
    addons: list[InstalledAddon]
    """The add-ons of the cluster, from the result of eks_addon_info."""
    collectors: Sequence[Mapping[str, Any]]
    cert_manager: FoundRelease | None
    """The result of release_info for cert-manager."""
    preserve: bool
    olm: Mapping[str, Any]
    olm_found: FoundOlm | None
    """The result of olm_info."""
    remove_definitions: bool
    lock_file: str


class SubscriptionRow(TypedDict, total=False):
    """The key `olm` of the result: what role otel_operator applies, and which CSV it then waits for."""

    manifests: list[Manifest]
    namespace: str
    subscription: str
    csv: str
    approval: str


@dataclass(frozen=True)
class ProviderDecision:
    """What is decided if EKS or OLM installs a product.

    `version` and `namespace` are those of the product after the run. `subscription_facts` are of OLM alone: None with
    another provider, and empty if the installation of another owner stays.
    """

    decision: ReleaseDecision
    version: str
    namespace: str
    subscription_facts: SubscriptionRow | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as keys of the result of release_render."""
        result = {**self.decision.result_fields, "version": self.version, "namespace": self.namespace}
        if self.subscription_facts is not None:
            result["olm"] = self.subscription_facts
        return result
