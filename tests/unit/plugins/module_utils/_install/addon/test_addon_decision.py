# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import (
    addon_decision as addons,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_decision import Addon
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.release_request import (
    ReleaseDecision,
    ReleaseRequest,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from ..releases.samples import OPERATING, TABLE, found, here, resource

OLD, NEW, NEWER = "v0.141.0-eksbuild.1", "v0.151.0-eksbuild.2", "v0.151.0-eksbuild.10"
BESIDE = {"other-addon": "it acts on the same annotations"}
FACTS = {**TABLE, "eks_addons": {"adot": {"first": "0.99.0", "rights_until": "0.62.1", "beside": BESIDE}}}
CERTIFIED = {"installed": True, "version": "1.21.2"}
EKS = {"by": "eks_addon", "name": ""}
WANTED = ReleaseRequest(OPERATING, "eks_addon", namespace="ns", certificates="cert_manager")


def wanted(**more: Any) -> ReleaseRequest:
    return ReleaseRequest(**{**vars(WANTED), **more})


def addon(installed: str = "", to_be: str = NEW, ours: bool = True) -> Addon:
    return Addon("adot", "prod", installed, to_be, ours and bool(installed))


def there(version: str = "0.151.0", **more: Any) -> dict[str, Any]:
    return here(version, **{"ours": False, "installer": EKS, **more})


def crd(by: str, *, ours: bool = False) -> dict[str, Any]:
    told = {"name": "things.opentelemetry.io", "kind": "Thing", "plural": "things", "ours": ours}
    told |= {"stored_versions": ["v1beta1"], "storage_version": "v1beta1", "served_versions": ["v1beta1"]}
    return {**told, "installer": {"by": by, "name": ""}}


def decided(
    asked: ReleaseRequest, item: Addon, cluster: Any, *others: str, certified: Any = CERTIFIED
) -> ReleaseDecision:
    return addons.decide_addon(asked, item, cluster, addons.ClusterNeighbours(certified, ["adot", *others]), FACTS)


@cases(
    "item, cluster, action",
    (addon(), found(), "install"),
    (addon(NEW), there(), "unchanged"),
    (addon(NEW), found(), "unchanged"),  # what another run has begun, or what failed: eks_addon takes it up
    (addon(OLD), there("0.141.0"), "upgrade"),
    (addon(NEW, NEWER), there(), "upgrade"),
    (addon(), there(crds=[crd("eks_addon")]), "install"),  # what was preserved
    (addon(), found(crds=[crd("manifest", ours=True)]), "install"),
    (Addon("other", "prod", "", "v2-eksbuild.1"), found(), "install"),
)
def test_what_becomes_of_the_addon(item: Addon, cluster: Any, action: str) -> None:
    decision = decided(WANTED, item, cluster)
    assert (decision.action, decision.provider, decision.warnings) == (action, "eks_addon", [])
    assert f"the EKS add-on {item.name}" in decision.message


@cases(
    "asked, item, cluster, said",
    (WANTED, addon(), here("0.158.0"), "with another provider, and the provider is now eks_addon"),
    (WANTED, addon(), here("0.158.0", ours=False), "installed by another owner"),
    (WANTED, addon(), there(installer={"by": "helm", "name": "a/b"}), "installed by the Helm release a/b"),
    (
        wanted(other_owner_policy="takeover"),
        addon(),
        there(installer={"by": "olm", "name": "csv"}),
        "which would revert",
    ),
    (WANTED, addon(NEW, ours=False), there(), r"already in cluster prod, and has no tag.*foreign: takeover"),
    (WANTED, addon(NEW), there(namespaces=["a", "b"]), "more than once, in the namespaces a, b"),
    (wanted(namespace="x"), addon(NEW), there(), "is in namespace ns, and the requested one is x.*creation only"),
    (WANTED, addon(NEW, OLD), there(), f"is {NEW} here, and {OLD} is older"),
    (WANTED, addon(NEWER, NEW), there(), "and v0.151.0-eksbuild.2 is older"),
    (WANTED, addon(), found(cert_manager=False), "from cert-manager, which is not in this cluster"),
    (WANTED, addon(), found(crds=[crd("helm")]), r"its definitions are \(things.opentelemetry.io\), created by"),
    (WANTED, addon(to_be="v0.80.0-eksbuild.2"), found(), r"not serve .* as v1beta1\. Take a version from v0\.99\.0"),
    (WANTED, addon(to_be="v0.62.1-eksbuild.2"), found(), "would also need permissions for eks:addon-manager"),
    (wanted(version=Version(0, 158, 0)), addon(), found(), r"has version 0\.151\.0 of it, not 0\.158\.0"),
)
def test_what_must_not_be_done_is_refused(asked: ReleaseRequest, item: Addon, cluster: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        decided(asked, item, cluster)


def test_an_addon_of_somebody_else_is_used_as_it_is_or_taken_over() -> None:
    item = addon(OLD, ours=False)
    decision = decided(wanted(other_owner_policy="adopt"), item, there("0.141.0"))
    assert (decision.action, decision.provider) == ("adopt", "existing")
    assert decided(wanted(other_owner_policy="takeover"), item, there("0.141.0")).action == "upgrade"
    cluster = here("0.158.0", ours=False, installer={"by": "helm", "name": "a/b"})
    assert decided(wanted(other_owner_policy="adopt"), addon(), cluster).provider == "existing"


OLDER, UNKNOWN = ({"certified": {"installed": True, "version": version}} for version in ("1.19.1", ""))
SKEWED = there(resources=[resource("OpenTelemetryCollector", image="x:0.158.0")])


@cases(
    "cluster, given, said",
    (found(), {"certified": {"installed": False, "version": ""}}, "no controller of it was found"),
    (found(), {"certified": {"installed": True, "version": "1.12.0"}}, "cert-manager 1.12.0 is not in the table"),
    (found(), OLDER, ""),
    (found(), UNKNOWN, ""),
    (found(kubernetes="v1.36.1"), OLDER, "is for Kubernetes 1.31 to 1.35, and this cluster is 1.36"),
    (found(kubernetes="v1.99.0"), UNKNOWN, ""),  # EKS says for which Kubernetes an add-on is
    (found(cert_manager=False), {"asked": wanted(check=True), "certified": {}}, "which is not in this cluster"),
    (found(), {"others": ["unrelated"]}, ""),
    (found(), {"others": ["other-addon"]}, "other-addon is in cluster prod, too: it acts on the same annotations"),
    (SKEWED, {"installed": NEW}, "the operator is made for 0.151"),
)
def test_what_does_not_go_together_is_warned_of(cluster: Any, given: Any, said: str) -> None:
    options = {"asked": WANTED, "installed": "", "others": [], "certified": CERTIFIED, **given}
    item = addon(options["installed"])
    found = decided(options["asked"], item, cluster, *options["others"], certified=options["certified"])
    assert [said in text for text in found.warnings] == [True] * bool(said)


def test_the_addon_is_known_by_name_and_tag() -> None:
    tags = {"o11y.opentelemetry/release": "opentelemetry-operator"}
    rows = (("adot", NEW, tags), ("other", OLD, {}))
    listed = [{"addon_name": name, "addon_version": version, "tags": tag} for name, version, tag in rows]
    assert addons.find_addon("adot", "prod", listed, "") == Addon("adot", "prod", NEW, NEW, is_ours=True)
    assert addons.find_addon("other", "prod", listed, NEW) == Addon("other", "prod", OLD, NEW, is_ours=False)
    assert addons.find_addon("none", "prod", listed, NEW) == Addon("none", "prod", "", NEW)
