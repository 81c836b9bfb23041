# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision on a product: install, upgrade, keep, or reject with a fix. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from . import versions
from .installed import EKS, HELM, MANIFEST, OLM
from .manifest import DEFINITION
from .products import Product
from .version_numbers import Version, between, read

EXISTING = "existing"
ADOPT, REFUSE, TAKEOVER = "adopt", "refuse", "takeover"
_SAID = {
    HELM: "the Helm release {name}",
    OLM: "the Operator Lifecycle Manager ({name})",
    EKS: "an EKS add-on",
    MANIFEST: "another owner, without the label of this collection",
}
KEEP = "Set the provider to existing to use it unchanged"


@dataclass(frozen=True)
class ReleaseRequest:
    product: Product
    provider: str
    version: Version | None = None
    namespace: str = ""
    helm_release: str = ""
    foreign: str = REFUSE
    allow_skip: bool = False
    strict: bool = True
    certificates: str = ""
    check: bool = False
    collectors: tuple[Mapping[str, Any], ...] = ()

    def running(self, found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the custom resources of a cluster, and those that this run makes of the inventory's collectors.

        What this run makes replaces what the cluster has under the same name.
        """
        resources: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        for facts in found["resources"]:
            resources[_identity(facts)] = facts
        for row in self.collectors:
            if row["backend"] == "operator":
                planned = versions.planned(row)
                resources.pop(_identity(planned), None)
                resources[_identity(planned)] = planned
        return list(resources.values())


def _identity(resource: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what makes a custom resource the same one."""
    return resource["kind"], resource["namespace"], resource["name"]


@dataclass
class Decision:
    action: str
    provider: str
    message: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def result(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("action", "warnings", "provider")} | {"msg": self.message}


def decide(
    wanted: ReleaseRequest, found: Mapping[str, Any], table: Mapping[str, Any], manifests: Sequence[Manifest] = ()
) -> Decision:
    """Return the decision on the product. Raises Problem for a forbidden change."""
    refuse_several(wanted, found)
    decision = _decided(wanted, found)
    if decision.provider == EXISTING:
        decision.warnings.extend(_usable(wanted, found, table))
        return decision
    version = wanted.version
    if version:
        _refuse_old(wanted, version)
        _refuse_kubernetes(wanted, version, found, table, decision)
        decision.warnings.extend(filter(None, [versions.warning_if_not_in_table(table, wanted.product, version)]))
    decision.warnings.extend(certificates(wanted, found))
    if decision.action == "upgrade":
        decision.warnings.extend(stored(found, manifests))
    if version and wanted.product.runs_collectors:
        decision.warnings.extend(versions.skew_warnings(wanted.running(found), version, table.get("builds", {})))
    return decision


def _refuse_old(wanted: ReleaseRequest, version: Version) -> None:
    """Reject an operator that would refuse the collectors of this collection."""
    if wanted.product.runs_collectors and version < versions.FIRST_V1BETA1:
        wrong = f"{wanted.product.title} {version} does not serve OpenTelemetryCollector as v1beta1"
        raise Problem(wrong, fix=f"Take a version from {versions.FIRST_V1BETA1} on.")


def _decided(wanted: ReleaseRequest, found: Mapping[str, Any]) -> Decision:
    """Return the decision without regard to versions of Kubernetes. Raises Problem for a forbidden change."""
    title = wanted.product.title
    if wanted.provider == EXISTING:
        if not found["installed"]:
            raise Problem(f"{title} is not in this cluster", fix="Set its provider to manifest or helm to install it.")
        return Decision(ADOPT, EXISTING, f"{title} {found['version']} is used unchanged")
    if not found["installed"]:
        refuse_definitions(wanted, found)
        return Decision("install", wanted.provider, f"{title} {wanted.version or ''} is installed")
    if not found["ours"] and not _same_release(wanted, found):
        return foreign(wanted, found)
    return _next(wanted, found)


def foreign(wanted: ReleaseRequest, found: Mapping[str, Any]) -> Decision:
    """Handle an installation of another owner."""
    title, by = wanted.product.title, found["installer"]["by"]
    who = _SAID[by].format(**found["installer"])
    what = f"{title} {found['version']} is already in namespace {found['namespace']}, installed by {who}"
    may_be_taken = by == MANIFEST and wanted.provider == MANIFEST
    if wanted.foreign == ADOPT:
        return Decision(ADOPT, EXISTING, f"{what}; it is only checked, never changed")
    if wanted.foreign == TAKEOVER and may_be_taken:
        return _next(wanted, found)
    if wanted.foreign == TAKEOVER:
        raise Problem(f"{what}, which would revert changes of other owners", fix=f"{KEEP}, or remove it there first.")
    way = "take it over (foreign: takeover)" if may_be_taken else "remove it there first"
    raise Problem(what, fix=f"{KEEP}, or {way}.")


def _next(wanted: ReleaseRequest, found: Mapping[str, Any]) -> Decision:
    """Move from the installed version to the wanted one."""
    _refuse_move(wanted, found)
    title = wanted.product.title
    old, new = read(found["version"]), wanted.version
    if old is None or new is None or old == new:
        return Decision("unchanged", wanted.provider, f"{title} {found['version']} is installed")
    if new < old:
        fix = "Objects may be stored already as only the newer version knows them. Ask for that one, or a newer one."
        raise Problem(f"{title} is {old} here, and {new} is older", asked="Upgrade", fix=fix)
    steps = between(old, new)
    if wanted.product.stepwise and len(steps) > 1 and not wanted.allow_skip:
        wrong = f"{title} goes from {old} to {new}, and has to pass through every minor version"
        fix = f"Run once for the newest patch of each of {', '.join(steps)}, or allow the skip (allow_skip)."
        raise Problem(wrong, asked="Upgrade", fix=fix)
    return Decision("upgrade", wanted.provider, f"{title} is upgraded from {old} to {new}")


def _refuse_move(wanted: ReleaseRequest, found: Mapping[str, Any]) -> None:
    """Reject an installed product that another provider installed, or that is in another namespace."""
    title, by = wanted.product.title, found["installer"]["by"]
    if by != wanted.provider:
        who = "manifest" if by == MANIFEST else _SAID[by].format(**found["installer"])
        raise Problem(
            f"{title} was installed by {who}, and the provider is now {wanted.provider}",
            fix="Keep the provider, or remove it first with state absent and the old provider.",
        )
    if wanted.namespace and wanted.namespace != found["namespace"]:
        wrong = f"{title} is in namespace {found['namespace']}, and the requested namespace is {wanted.namespace}"
        raise Problem(wrong, fix="Keep the namespace, or remove it first with state absent.")


def _same_release(wanted: ReleaseRequest, found: Mapping[str, Any]) -> bool:
    """Return whether Helm would upgrade its own release, and is allowed to."""
    if wanted.provider != HELM or wanted.foreign != TAKEOVER:
        return False
    return bool(found["installer"] == _own_installer(wanted))


def _own_installer(wanted: ReleaseRequest) -> dict[str, str]:
    """Return the installer of objects that the Helm release of this request made."""
    return {"by": HELM, "name": f"{wanted.namespace}/{wanted.helm_release}"}


def refuse_several(wanted: ReleaseRequest, found: Mapping[str, Any]) -> None:
    """Reject a second installation."""
    if len(found["namespaces"]) > 1:
        places = ", ".join(found["namespaces"])
        wrong = f"{wanted.product.title} is in this cluster more than once, in the namespaces {places}"
        raise Problem(wrong, fix="Remove all but one: they would fight over the same objects.")


def refuse_definitions(wanted: ReleaseRequest, found: Mapping[str, Any]) -> None:
    """Reject overwriting definitions of another tool."""
    strange = []
    for definition in found["crds"]:
        is_of_own_helm = wanted.provider == HELM and definition["installer"] == _own_installer(wanted)
        if not definition["ours"] and not is_of_own_helm:
            strange.append(definition)
    if strange and wanted.foreign != TAKEOVER:
        installer = strange[0]["installer"]
        who = _SAID[installer["by"]].format(**installer)
        names = ", ".join(definition["name"] for definition in strange)
        wrong = f"{wanted.product.title} is not here, but its definitions are ({names}), made by {who}"
        raise Problem(wrong, fix="Remove them with what made them, or take them over (foreign: takeover).")


def _refuse_kubernetes(
    wanted: ReleaseRequest, version: Version, found: Mapping[str, Any], table: Mapping[str, Any], decision: Decision
) -> None:
    """Reject a version that is not for the cluster's Kubernetes, or warn of it where that is enough."""
    wrong = versions.why_incompatible(table, wanted.product, version, found["kubernetes"])
    if not wrong:
        return
    fitting = ", ".join(versions.fitting(table, wanted.product, found["kubernetes"])[:3])
    if not wanted.strict or versions.is_newer(table, wanted.product, version, found["kubernetes"]):
        decision.warnings.append(f"{wrong}; for it are {fitting}" if fitting else wrong)
        return
    advice = f"Use {fitting}" if fitting else "Use a version that is for it"
    raise Problem(wrong, fix=f"{advice}, or let this only be warned of (compatibility: warn).")


def _usable(wanted: ReleaseRequest, found: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about an adopted installation. Raises Problem when it cannot be used."""
    served = {(item["name"], version) for item in found["crds"] for version in item["served_versions"]}
    kind = wanted.product.kinds[0]
    if (kind.definition, kind.version) not in served:
        wrong = f"{wanted.product.title} {found['version']} does not serve {kind.kind} as {kind.api_version}"
        raise Problem(wrong, fix="Upgrade it, with what installed it.")
    running = read(found["version"])
    if running is None:
        yield f"The version of {wanted.product.title} is unknown"
        return
    if found["installer"]["by"] == EKS:
        return  # EKS offers an add-on for the versions of Kubernetes that it was tested with
    yield from filter(None, [versions.why_incompatible(table, wanted.product, running, found["kubernetes"])])
    yield from filter(None, [versions.warning_if_not_in_table(table, wanted.product, running)])


def certificates(wanted: ReleaseRequest, found: Mapping[str, Any]) -> Iterator[str]:
    """Reject a wait for certificates without cert-manager; check mode may run before its installation."""
    if wanted.certificates not in ("cert_manager", "issuer") or found["cert_manager"]:
        return
    wrong = f"{wanted.product.title} gets its certificate from cert-manager, which is not in this cluster"
    if not wanted.check:
        raise Problem(wrong, fix="Install cert-manager first (cert_manager_provider), or use certificates: generated.")
    yield wrong


def stored(found: Mapping[str, Any], manifests: Sequence[Manifest]) -> Iterator[str]:
    """Reject definitions that lack a version of stored objects; the API server would reject them midway."""
    coming = {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == DEFINITION}
    for definition in found["crds"]:
        name, stored_versions = definition["name"], definition["stored_versions"]
        lost_versions: list[str] = []
        coming_versions = coming.get(name, {}).get("spec", {}).get("versions")
        if coming_versions:
            known = [version["name"] for version in coming_versions]
            lost_versions = [version for version in stored_versions if version not in known]
        old_versions = [version for version in stored_versions if version != definition["storage_version"]]
        how = (
            f"Write each {definition['kind']} once (kubectl get {definition['plural']} -A -o yaml | kubectl apply -f -)"
            f", then take it out of status.storedVersions of the definition (kubectl edit --subresource=status crd "
            f"{name})."
        )
        if lost_versions:
            versions_text = ", ".join(lost_versions)
            wrong = f"objects of {name} may be stored as {versions_text}, which the new version does not know"
            raise Problem(wrong, asked="Upgrade", fix=how)
        if old_versions:
            yield f"Objects of {name} may still be stored as {', '.join(old_versions)}, which goes some day. {how}"
