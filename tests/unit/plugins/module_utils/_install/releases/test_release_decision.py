# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import version_numbers, versions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.release_decision import (
    ReleaseRequest,
    decide_release,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from .samples import CERTIFIER, OPERATING, TABLE, definition, found, here, resource

OPERATOR = ReleaseRequest(OPERATING, "manifest", Version(0, 158, 0), "ns", certificates="cert_manager")
CERT = ReleaseRequest(CERTIFIER, "manifest", Version(1, 21, 2), "ns")
FOREIGN = {"ours": False}
HELM = {"installer": {"by": "helm", "name": "ns/otel"}}
BUILDS = {"own-collector": {"v0.48.0": "0.151.0", "v0.48.1": "0.151.0", "v0.49.0": "0.156.0"}}


def wanted(base: ReleaseRequest = OPERATOR, **more: Any) -> ReleaseRequest:
    return ReleaseRequest(**{**vars(base), **more})


def crd(**more: Any) -> dict[str, Any]:
    told = {"name": "certificates.cert-manager.io", "kind": "Certificate", "plural": "certificates", "ours": True}
    told |= {"served_versions": ["v1"], "stored_versions": ["v1"], "storage_version": "v1"}
    return {**told, "installer": {"by": "manifest", "name": ""}, **more}


@cases(
    "asked, there, said",
    (wanted(), here("0.159.0"), r"is 0\.159\.0 here, and 0\.158\.0 is older"),
    (wanted(CERT), here("1.18.4"), r"newest patch of each of 1\.19, 1\.20, 1\.21, or allow the skip"),
    (wanted(namespace="other"), here("0.158.0"), "is in namespace ns, and the requested namespace is other"),
    (wanted(provider="helm"), here("0.158.0"), "was installed by manifest, and the provider is now helm"),
    (wanted(), here("0.158.0", **HELM), "the Helm release ns/otel, and the provider is now manifest"),
    (wanted(), here("0.152.0", **FOREIGN), r"already in namespace ns.*take it over \(foreign: takeover\)"),
    (wanted(foreign="takeover"), here("0.152.0", **FOREIGN, **HELM), "which would revert"),
    (wanted(), here("0.158.0", namespaces=["a", "b"]), "more than once, in the namespaces a, b"),
    (wanted(provider="existing"), found(), "is not in this cluster"),
    (wanted(), found(cert_manager=False), "from cert-manager, which is not in this cluster"),
    (wanted(), found(kubernetes="v1.24.0"), r"for Kubernetes 1\.25 to 1\.36, and this cluster is 1\.24\. "),
    (wanted(CERT), found(kubernetes="v1.32.0"), r"Use 1\.20, 1\.19, or let this only be warned of"),
    (wanted(), found(crds=[crd(ours=False, **HELM)]), "its definitions are .*made by the Helm release ns/otel"),
    (wanted(provider="existing"), here("0.90.0", crds=[]), "does not serve OpenTelemetryCollector"),
    (wanted(version=Version(0, 98, 0)), found(), "0.98.0 does not serve OpenTelemetryCollector as v1beta1"),
    (wanted(version=Version(0, 98, 0), provider="helm", helm_release="otel"), found(), "0.98.0 does not serve"),
)
def test_what_must_not_be_done_is_refused(asked: ReleaseRequest, there: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        decide_release(asked, there, TABLE)


@cases(
    "asked, there, action",
    (wanted(), found(), "install"),
    (wanted(), here("0.158.0"), "unchanged"),
    (wanted(), here("0.131.0"), "upgrade"),
    (wanted(), here(""), "unchanged"),
    (wanted(CERT, allow_skip=True), here("1.18.4"), "upgrade"),
    (wanted(CERT), here("1.20.0"), "upgrade"),
    (wanted(foreign="takeover"), here("0.152.0", **FOREIGN), "upgrade"),
    (wanted(provider="helm", helm_release="otel", foreign="takeover"), here("0.152.0", **FOREIGN, **HELM), "upgrade"),
    (wanted(), found(crds=[crd()]), "install"),  # definitions of our own are taken up again
    (wanted(provider="helm", helm_release="otel"), found(crds=[crd(ours=False, **HELM)]), "install"),
)
def test_what_becomes_of_the_release(asked: ReleaseRequest, there: Any, action: str) -> None:
    assert decide_release(asked, there, TABLE).action == action


def test_what_somebody_else_installed_is_used_as_it_is() -> None:
    there = here("1.15.0", **FOREIGN, **HELM, crds=[crd()])
    decision = decide_release(wanted(CERT, foreign="adopt"), there, TABLE)
    assert (decision.action, decision.provider) == ("adopt", "existing")
    assert "installed by the Helm release ns/otel; it is only checked, never changed" in decision.message
    assert decision.warnings == [
        "cert-manager 1.15.0 is not in the table of this collection, so nothing is known of what it goes with"
    ]


LATE = here("1.19.0", crds=[crd()], kubernetes="v1.36.0")
SKEWED = here("0.152.0", resources=[resource("OpenTelemetryCollector", image="x:0.140.0")])


@cases(
    "asked, there, said",
    (wanted(CERT, provider="existing"), LATE, "is for Kubernetes 1.31 to 1.35, and this cluster is 1.36"),
    (wanted(), found(kubernetes="v1.37.0"), "is for Kubernetes 1.25 to 1.36, and this cluster is 1.37, which is newer"),
    (wanted(CERT, version=Version(1, 19, 0)), found(kubernetes="v1.36.0"), "is 1.36, which is newer; for it are 1.21"),
    (wanted(strict=False), found(kubernetes="v1.24.0"), "this cluster is 1.24"),
    (wanted(), SKEWED, "image of its own of version 0.140.0"),
    (wanted(check=True), found(cert_manager=False), "which is not in this cluster"),
    (wanted(certificates="generated"), found(cert_manager=False), ""),
)
def test_what_is_only_warned_of(asked: ReleaseRequest, there: Any, said: str) -> None:
    assert [said in warning for warning in decide_release(asked, there, TABLE).warnings] == [True] * bool(said)


OLD = crd(name="things.example.com", plural="things", stored_versions=["v1alpha1", "v1"])


def test_objects_that_may_be_stored_in_an_old_version_are_warned_of_or_refused() -> None:
    both = [{"name": name, "served": True, "storage": name == "v1"} for name in ("v1alpha1", "v1")]
    (warning,) = decide_release(wanted(), here("0.152.0", crds=[OLD]), TABLE, [definition(versions=both)]).warnings
    assert "may still be stored as v1alpha1" in warning
    assert "kubectl edit --subresource=status crd things.example.com" in warning
    with pytest.raises(Problem, match="may be stored as v1alpha1, which the new version does not know"):
        decide_release(wanted(), here("0.152.0", crds=[OLD]), TABLE, [definition()])


@cases(
    "text, expected",
    ("v1.21.2", (1, 21, 2)),
    ("1.21", (1, 21, 0)),
    (" 0.64.0-rc.1", (0, 64, 0)),
    ("v1.34.4-eks-abc", (1, 34, 4)),
    ("latest", None),
    ("", None),
)
def test_versions_are_read_as_projects_write_them(text: str, expected: tuple[int, ...] | None) -> None:
    assert version_numbers.parse_release_version(text) == expected


def test_a_version_is_written_with_and_without_its_v_and_an_upgrade_passes_through_minor_versions() -> None:
    found = version_numbers.require_version("v1.2", "x")
    assert (str(found), found.tag, found.minor_line) == ("1.2.0", "v1.2.0", "1.2")
    with pytest.raises(Problem, match=r"'latest' is not a version of cert-manager\. Write it like v1\.2\.3\."):
        version_numbers.require_version("latest", "cert-manager")
    assert version_numbers.list_minor_versions(Version(1, 18, 2), Version(1, 21, 0)) == ["1.19", "1.20", "1.21"]
    assert version_numbers.list_minor_versions(Version(1, 21, 0), Version(1, 21, 2)) == []
    assert version_numbers.list_minor_versions(Version(0, 9, 0), Version(1, 2, 0)) == ["1.2"]


def test_versions_are_made_for_some_versions_of_kubernetes_and_those_that_fit_are_offered_newest_first() -> None:
    for cluster, fits in (("v1.33.1", True), ("v1.36.0", True), ("v1.32.9", False), ("", True)):
        assert (versions.explain_incompatibility(TABLE, CERTIFIER, Version(1, 21, 9), cluster) == "") is fits
    assert versions.warn_if_not_in_table(TABLE, OPERATING, Version(0, 158, 7)) == ""
    assert "0.159.0 is not in the table" in versions.warn_if_not_in_table(TABLE, OPERATING, Version(0, 159, 0))
    assert versions.list_fitting_versions(TABLE, CERTIFIER, "v1.32.0") == ["1.20", "1.19"]
    assert versions.list_fitting_versions(TABLE, OPERATING, "v1.36.0") == ["0.158.0"]


@cases(
    "named, kind, more",
    (True, "OpenTelemetryCollector", {"image": "r:5000/x:0.140.0"}),
    (False, "OpenTelemetryCollector", {"image": "x:0.158.3"}),
    (False, "OpenTelemetryCollector", {"image": "x@sha256:00"}),
    (True, "OpenTelemetryCollector", {"version": "0.150.0", "automatic": False}),
    (False, "OpenTelemetryCollector", {"version": "0.150.0"}),
    (False, "Instrumentation", {"image": "x:0.1.0"}),
)
def test_collectors_that_will_not_follow_are_named(named: bool, kind: str, more: dict[str, Any]) -> None:
    told = list(versions.find_skew_warnings([resource(kind, "one", **more)], Version(0, 158, 0)))
    assert [text.split()[1] for text in told] == ["ns/one"] * named


@cases(
    "image, said",
    (":v0.49.0", "version 0.156.0; the operator is made for 0.151, which v0.48.1 of this build is of"),
    (":v0.48.0", ""),
    (":v0.99.0", ""),
    ("@sha256:00", ""),
    ("-2:0.49.0", "version 0.49.0; the operator is made for 0.151"),
)
def test_a_build_with_versions_of_its_own_counts_as_the_collector_in_it(image: str, said: str) -> None:
    collectors = [resource("OpenTelemetryCollector", image=f"r/own-collector{image}")]
    told = list(versions.find_skew_warnings(collectors, Version(0, 151, 0), BUILDS))
    assert [text.partition("own of ")[2] for text in told] == ([said] if said else [])
