# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a product, such as cert-manager, and the decision about that. Private.

Action release_render builds a `ReleaseRequest` of its options. `release_decision.py` and `addon_decision.py` turn it
into a `ReleaseDecision`. For example, cert-manager 1.21.2 by provider manifest, in a cluster without cert-manager:

    ReleaseDecision("install", "manifest", "cert-manager 1.21.2 is installed")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.kube.objects import ObjectRef
from .collector_skew import ManagedResource, plan_collector
from .installed import FoundRelease
from .products import Product
from .version_numbers import Version

# The provider that uses an installation as it is, and changes nothing.
EXISTING = "existing"
# What to do about an installation of another owner, as the option `foreign` has it.
# Use it as it is. The option has the word `adopt` for this. (Option `adopt` of module bundle_apply takes objects over.)
USE_EXISTING = "adopt"
# Fail.
REFUSE = "refuse"
# Make it an installation of this collection.
TAKE_OVER = "takeover"


@dataclass(frozen=True)
class ReleaseRequest:
    """The wish of the user: a product, its version and its provider."""

    product: Product
    provider: str
    """How the product is installed: `manifest`, `helm`, `olm`, `eks_addon` or `existing`."""
    version: Version | None = None
    """The wanted version; None if the provider chooses it."""
    namespace: str = ""
    """The wanted namespace; empty if any will do."""
    helm_release: str = ""
    """The name of the Helm release; empty for any other provider."""
    other_owner_policy: str = REFUSE
    """What to do about an installation of another owner: USE_EXISTING, REFUSE or TAKE_OVER."""
    allow_skip: bool = False
    """Whether an upgrade may skip minor versions."""
    strict: bool = True
    """Whether a version that does not support the cluster's Kubernetes is refused. Otherwise it is a warning."""
    certificates: str = ""
    """The source of the webhooks' certificate: `cert_manager`, `issuer` or `generated`; empty if it has no say."""
    check: bool = False
    """Whether this is check mode."""
    collectors: tuple[Mapping[str, Any], ...] = ()
    """The collectors of the inventory, as action otel_render returns them."""

    @property
    def takes_over(self) -> bool:
        """Whether an installation of another owner becomes one of this collection."""
        return self.other_owner_policy == TAKE_OVER

    def list_managed_resources(self, found_release: FoundRelease) -> list[ManagedResource]:
        """Return the custom resources that the operator manages after this task.

        These are the resources of the cluster and the collectors of the inventory. A collector of the inventory
        replaces the resource of its name.
        """
        resource_by_key: dict[ObjectRef, ManagedResource] = {}
        for resource in found_release["resources"]:
            resource_by_key[_resource_key(resource)] = resource
        for collector in self.collectors:
            if collector["backend"] == "operator":
                planned_resource = plan_collector(collector)
                # One of the cluster is taken out first, so that those of the inventory come last.
                resource_by_key.pop(_resource_key(planned_resource), None)
                resource_by_key[_resource_key(planned_resource)] = planned_resource
        return list(resource_by_key.values())


def _resource_key(resource: ManagedResource) -> ObjectRef:
    return ObjectRef(resource["kind"], resource["namespace"], resource["name"])


@dataclass
class ReleaseDecision:
    """What a task does with a product, and what it says about that."""

    action: str
    """`install`, `upgrade`, `unchanged`, or `adopt` for an installation of another owner that is used as it is."""
    provider: str
    """The provider that acts; EXISTING if nothing is changed."""
    message: str = ""
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def use_existing(cls, message: str) -> ReleaseDecision:
        """Return the decision to use an installation of another owner as it is."""
        return cls(USE_EXISTING, EXISTING, message)

    @property
    def result_fields(self) -> dict[str, Any]:
        """The decision in the result of a task."""
        return {"action": self.action, "warnings": self.warnings, "provider": self.provider, "msg": self.message}
