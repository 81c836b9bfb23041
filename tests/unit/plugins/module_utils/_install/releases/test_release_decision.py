# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.release_decision import (
    decide_release,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.release_request import ReleaseRequest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from .samples import CERTIFIER, OPERATING, TABLE, definition, found, here, resource

OPERATOR = ReleaseRequest(OPERATING, "manifest", Version(0, 158, 0), "ns", certificates="cert_manager")
CERT = ReleaseRequest(CERTIFIER, "manifest", Version(1, 21, 2), "ns")
FOREIGN = {"ours": False}
HELM = {"installer": {"by": "helm", "name": "ns/otel"}}


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
    (
        wanted(provider="helm", helm_release="other"),
        here("0.158.0", **HELM),
        "the Helm release ns/otel, and the requested one is ns/other",
    ),
    (wanted(), here("0.152.0", **FOREIGN), r"already in namespace ns.*take it over \(foreign: takeover\)"),
    (wanted(other_owner_policy="takeover"), here("0.152.0", **FOREIGN, **HELM), "which would revert"),
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
    (wanted(other_owner_policy="takeover"), here("0.152.0", **FOREIGN), "upgrade"),
    (
        wanted(provider="helm", helm_release="otel", other_owner_policy="takeover"),
        here("0.152.0", **FOREIGN, **HELM),
        "upgrade",
    ),
    (wanted(), found(crds=[crd()]), "install"),  # definitions of our own are taken up again
    (wanted(provider="helm", helm_release="otel"), found(crds=[crd(ours=False, **HELM)]), "install"),
)
def test_what_becomes_of_the_release(asked: ReleaseRequest, there: Any, action: str) -> None:
    assert decide_release(asked, there, TABLE).action == action


def test_what_somebody_else_installed_is_used_as_it_is() -> None:
    there = here("1.15.0", **FOREIGN, **HELM, crds=[crd()])
    decision = decide_release(wanted(CERT, other_owner_policy="adopt"), there, TABLE)
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
