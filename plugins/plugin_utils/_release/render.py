# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a product to manifests, Helm values, or a removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._install.releases import (
    helm,
    manifest,
    pinned_images,
    removal,
)
from ...module_utils._install.releases import (
    lock_file as lock,
)
from ...module_utils._install.releases import (
    release_decision as decide,
)
from ...module_utils._install.releases.customization import (
    GENERATED_SECRET,
    CertificateSource,
    Customization,
    hosts,
    written,
)
from ...module_utils._install.releases.installed import EKS, OLM
from ...module_utils._install.releases.products import Product, product
from ...module_utils._install.releases.version_numbers import Version, version
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.kube.names import RELEASE_LABEL
from .. import _arguments, _lock_file
from .._shape_checks import check_shapes
from . import addon, olm, published, source
from .published import table

_TUNING = {
    "replicas": {"type": "int"},
    "resources": {"type": "dict"},
    "flags": {"type": "dict"},
    "env": {"type": "dict"},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
}
_ISSUER = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["Issuer", "ClusterIssuer"], "default": "Issuer"},
    "group": {"type": "str", "default": "cert-manager.io"},
}

# The default for a cluster without information.
_NOTHING = {"installed": False, "ours": False, "namespaces": [], "crds": [], "resources": [], "cert_manager": True}


def render(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the decision on a product. Raises Problem if it is impossible or forbidden."""
    wanted = product(arguments["product"])
    source.refuse_eks_cluster(wanted, arguments)
    if arguments["state"] == "absent":
        return _absent(wanted, arguments, check)
    if provider := PROVIDERS.get(arguments["provider"]):
        return installed_by_provider(wanted, arguments, provider.present(wanted, arguments, table(), check))
    asked = arguments["version"]
    described = source.read_chart(arguments["chart"]) if arguments["provider"] == "helm" else None
    if described:
        asked = source.checked_chart(wanted, described, asked)
    target = version(asked or table()["tested"][wanted.name], wanted.title)
    result = _present(wanted, target, arguments, check)
    chart = "" if described else _chart(wanted, target)
    if result["provider"] != "helm":
        return {**result, "chart_version": chart}
    locked = _lock_file.read_if_given(arguments["lock_file"])
    if described or locked:
        row = published.chart_row(wanted, arguments["chart"], described)
        result["msg"] = _joined(result["msg"], published.trusted_chart(row, locked))
    if not described and not chart:
        unknown = f"The chart of {wanted.title} {target} is not known, so Helm takes its newest chart"
        result["warnings"].append(f"{unknown}, unless the input otel_operator_chart_version names one")
    return {**result, "chart_version": chart}


def _joined(*sentences: str) -> str:
    """Return the sentences that are not empty as one message."""
    return "; ".join(filter(None, sentences))


def _absent(wanted: Product, arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    if arguments["installed"] is None:
        raise Problem("state absent needs the installed releases", fix="Give the result of release_info (installed).")
    if arguments["provider"] == decide.EXISTING:
        arguments = {**arguments, "installed": {**arguments["installed"], "installed": True, "ours": False}}
    release = f"{arguments['namespace'] or wanted.namespace}/{arguments['helm_release']}"
    if provider := PROVIDERS.get(arguments["provider"]):
        gone = provider.absent(wanted, arguments, check)
    else:
        gone = removal.removal(
            wanted, arguments["installed"], arguments["others"], arguments["remove_definitions"], release, check=check
        )
    return {
        **vars(gone),
        "adopt": [removal.made(wanted)],
        "provider": arguments["provider"],
        "prune_selector": f"{RELEASE_LABEL}={wanted.name}",
    }


def _present(wanted: Product, target: Version, arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    found = arguments["installed"] or {**_NOTHING, "kubernetes": ""}
    locked = _lock_file.read_if_given(arguments["lock_file"])
    custom, started = _customization(wanted, target, arguments, locked)
    applies = arguments["provider"] == "manifest" and not _stays_as_it_is(found, arguments)
    read = published.read(wanted, target, arguments, locked) if applies else None
    objects = written(read.release, custom) if read else []
    decision = decide.decide(_wanted(wanted, target, arguments, check), found, table(), objects)
    if read:
        decision.warnings.extend(read.warnings)
        decision.message = _joined(decision.message, read.trusted)
    installed_in = read.release.namespace if read else found.get("namespace")
    namespace = custom.namespace or installed_in or wanted.namespace
    values: dict[str, Any] = {}
    if decision.provider == "helm":
        values = _merged(helm.values(wanted, custom, _chosen(arguments, started), target), arguments["helm_values"])
    return {
        **decision.result,
        "version": str(target) if decision.provider != decide.EXISTING else found["version"],
        "namespace": namespace,
        "manifests": objects,
        "adopt": [wanted.name] if arguments["foreign"] == decide.TAKEOVER else [],
        "chart_values": values,
        "images": sorted({*pinned_images.images_of_workloads(objects), *started.values()}),
        "dry_run": wanted.dry_runs(namespace),
        "certificate_hosts": hosts(objects),
        "certificate_secret": GENERATED_SECRET,
        "prune_selector": f"{RELEASE_LABEL}={wanted.name}",
        **_running(objects, found),
    }


def _running(objects: list[dict[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workloads and webhooks to wait for: those of the manifests, or of what is installed."""
    if objects:
        return {"workloads": manifest.workloads(objects), "webhooks": manifest.webhooks(objects)}
    return {"workloads": found.get("workloads", []), "webhooks": found.get("webhooks", [])}


def _stays_as_it_is(found: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a release of another owner is adopted, which changes nothing of it."""
    return found["installed"] and not found["ours"] and arguments["foreign"] == decide.ADOPT


def _wanted(wanted: Product, target: Version, arguments: Mapping[str, Any], check: bool) -> decide.ReleaseRequest:
    return decide.ReleaseRequest(
        product=wanted,
        provider=arguments["provider"],
        version=target,
        namespace=arguments["namespace"] or wanted.namespace,
        helm_release=arguments["helm_release"],
        foreign=arguments["foreign"],
        allow_skip=arguments["allow_skip"],
        strict=arguments["compatibility"] == "refuse",
        certificates=arguments["certificates"] if wanted.takes_certificates else "",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )


def _customization(
    wanted: Product, target: Version, arguments: Mapping[str, Any], locked: lock.Lock | None
) -> tuple[Customization, dict[str, str]]:
    """Return the customization, and the images that the product starts by default."""
    started, flags = _operator(target, arguments, locked) if wanted.starts_pods else ({}, {})
    variables = {"WATCH_NAMESPACE": ",".join(arguments["watch_namespaces"])} if arguments["watch_namespaces"] else {}
    rows = {name: {"type": "dict"} for name in arguments["workloads"]}
    check_shapes(arguments["workloads"], rows, "workloads")
    tuning = {
        name: _arguments.checked(values, _TUNING, f"workloads.{name}")
        for name, values in arguments["workloads"].items()
    }
    issuer = _arguments.checked(arguments["issuer"], _ISSUER, "issuer") if arguments["issuer"] else {}
    source = CertificateSource(arguments["certificates"], issuer, arguments["ca_bundle"])
    custom = Customization(
        namespace=arguments["namespace"],
        leader_election_namespace=arguments["leader_election_namespace"],
        image_registry=arguments["image_registry"],
        pin=locked.pinned if locked else lock.unpinned,
        image_pull_secrets=arguments["image_pull_secrets"],
        flags=flags,
        variables=variables,
        workloads=tuning,
        certificates=source if wanted.takes_certificates else CertificateSource(),
    )
    return custom, started


def _operator(
    target: Version, arguments: Mapping[str, Any], locked: lock.Lock | None
) -> tuple[dict[str, str], dict[str, str]]:
    given = {name: image for name, image in arguments["images"].items() if image}
    pin = locked.known if locked else lock.unpinned  # images that no object of the inventory needs are not locked
    started, flags = pinned_images.operator_images(str(target), arguments["image_registry"], given, table(), pin)
    if arguments["feature_gates"]:
        flags["feature-gates"] = ",".join(arguments["feature_gates"])
    return started, flags


def _chosen(arguments: Mapping[str, Any], started: Mapping[str, str]) -> dict[str, str]:
    """Return the images that the chart's values must set: those that differ from its defaults."""
    if arguments["image_registry"]:
        return dict(started)
    return {name: image for name, image in started.items() if arguments["images"].get(name) or "@" in image}


def _chart(wanted: Product, target: Version) -> str:
    """Return the version of the chart; cert-manager's has the version of the product."""
    if not wanted.versions_its_chart:
        return target.tag
    known = table()["operator"].get(str(target)) or table()["newer_operators"].get(str(target)) or {}
    return str(known.get("chart", ""))


def _merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a chart with the user's on top."""
    result = dict(ours)
    for key, value in theirs.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


PROVIDERS = {EKS: addon, OLM: olm}
# Keys that only a release applied by this collection has.
_NOTHING_APPLIED: dict[str, Any] = {
    "manifests": [],
    "adopt": [],
    "chart_values": {},
    "chart_version": "",
    "images": [],
    "certificate_hosts": [],
    "certificate_secret": "",
}


def installed_by_provider(wanted: Product, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a provider: no manifests to apply, and the installed version."""
    found = arguments["installed"]
    return {
        **_NOTHING_APPLIED,
        "dry_run": wanted.dry_runs(given["namespace"]),
        "prune_selector": f"{RELEASE_LABEL}={wanted.name}",
        "workloads": found["workloads"],
        "webhooks": found["webhooks"],
        **given,
    }
