# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a bundle: order, comparison, redaction of what differs, and what holds a deletion."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change import bundle_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import make_salted_replacer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.yaml_documents import load_data_or_none

from ..helpers import cases

CONFIG = "exporters:\n  x:\n    api:\n      key: {}\n    endpoint: https://me:{}@host\n"
APIS = {"OpenTelemetryCollector": "opentelemetry.io/v1beta1", "Deployment": "apps/v1", "Thing": "example.com/v1"}


def obj(kind: Any, name: Any = "a", namespace: Any = "ns", **more: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": more.pop("api", "v1"), "kind": kind, "metadata": metadata, **more}


def difference(before: Any, after: Any, salt: str = "s") -> Any:
    return bundle_objects.build_difference(
        before, after, make_salted_replacer(salt), lambda text: load_data_or_none(yaml, text)
    )


def test_order_puts_first_what_others_need_and_groups_what_is_independent() -> None:
    kinds = ["OpenTelemetryCollector", "MutatingWebhookConfiguration", "DaemonSet", "Certificate", "Issuer", "Service"]
    kinds += ["Secret", "RoleBinding", "Role", "ServiceAccount", "Namespace", "CustomResourceDefinition"]
    groups = bundle_objects.group_by_dependency([obj(kind) for kind in kinds])
    assert [group[0]["kind"] for group in groups] == list(reversed(kinds))
    kinds = ["Namespace", "OperatorGroup", "Deployment", "ClusterServiceVersion", "Subscription"]
    assert [
        group[0]["kind"] for group in bundle_objects.group_by_dependency([obj(kind) for kind in reversed(kinds)])
    ] == kinds
    groups = bundle_objects.group_by_dependency(
        [obj(kind) for kind in ("Secret", "HTTPRoute", "ConfigMap", "Deployment", "DaemonSet")]
    )
    kinds_of = [[item["kind"] for item in group] for group in groups]
    assert kinds_of == [["Secret", "ConfigMap"], ["Deployment", "DaemonSet"], ["HTTPRoute"]]


@cases(
    "noise",
    {"status": {"ready": True}},
    {"metadata": {"resourceVersion": "7", "generation": 3, "uid": "u", "managedFields": [{"manager": "x"}]}},
    {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}},
)
def test_notes_of_the_server_are_no_change(noise: Any) -> None:
    plain = obj("ConfigMap", data={"a": "1"})
    noisy = {**plain, **noise, "metadata": {**plain["metadata"], **noise.get("metadata", {})}}
    assert difference(plain, noisy) is None


def test_a_difference_has_both_sides_and_a_name() -> None:
    one, two = obj("ConfigMap", data={"a": "1"}), obj("ConfigMap", data={"a": "2"})
    for before, after in ((one, two), (None, one), (one, None)):
        headers = {f"{side}_header": "ConfigMap ns/a" for side in ("before", "after")}
        assert difference(before, after) == {"before": before, "after": after, **headers}


def test_secrets_are_hidden_and_still_differ() -> None:
    one, two = (obj("Secret", data={"a": value, "b": "x"}) for value in ("one", "two"))
    change = difference(one, two)
    assert "one" not in str(change) and "two" not in str(change)
    before, after = change["before"]["data"], change["after"]["data"]
    assert (before["a"] == after["a"], before["b"] == after["b"]) == (False, True)
    assert difference(None, one, "1") != difference(None, one, "2")


@cases(
    "held",
    lambda secret: obj("ConfigMap", data={"config": CONFIG.format(secret, secret)}),
    lambda secret: obj("Deployment", spec={"env": [{"name": "DD_API_KEY", "value": secret}]}),
    lambda secret: obj("Deployment", spec={"env": [{"name": "OTLP_HEADERS", "value": f"api-key={secret}"}]}),
    lambda secret: obj("Deployment", spec={"args": [f"--token={secret}"]}),
    lambda secret: obj("Deployment", spec={"args": ["--api-key", secret, "--verbose"]}),
    lambda secret: obj("OpenTelemetryCollector", spec={"config": {"x": {"headers": {"x-sumo-key": secret}}}}),
    lambda secret: obj("ConfigMap", metadata={"annotations": {"vendor.example/api-key": secret}}),
)
def test_a_secret_in_clear_text_is_hidden_on_both_sides_and_still_differs(held: Any) -> None:
    change = difference(held("correct-horse"), held("battery-staple"))
    assert "correct-horse" not in str(change) and "battery-staple" not in str(change)
    assert change["before"] != change["after"]
    again = difference(held("correct-horse"), {**held("correct-horse"), "more": 1})
    assert {**again["before"], "more": 1} == again["after"]


def owned(*names: str, controller: bool = False) -> Any:
    """Return the metadata of what goes with its owners, none of which controls it."""
    owners = [dict(zip(("kind", "name"), name.split("/"), strict=True)) for name in names]
    more = {"controller": True} if controller else {}
    return {"ownerReferences": [{"apiVersion": APIS.get(owner["kind"], "v1"), **owner, **more} for owner in owners]}


def controlled(kind: str, name: str = "a") -> Any:
    return owned(f"{kind}/{name}", controller=True)


@cases(
    "found, is_stale",
    (obj("ConfigMap", "old"), True),
    (obj("ConfigMap", "kept"), False),
    (obj("ConfigMap", "old", metadata=controlled("OpenTelemetryCollector")), False),
    (obj("ConfigMap", "old", metadata={"deletionTimestamp": "now"}), False),
)
def test_pruned_is_what_the_bundle_lost(found: Any, is_stale: Any) -> None:
    assert bool(bundle_objects.find_stale_objects([found], {ObjectRef("ConfigMap", "ns", "kept")})) is is_stale


def test_who_holds_what_is_to_go() -> None:
    held = obj("X", metadata={"finalizers": ["opentelemetrycollector.opentelemetry.io/finalizer", "e.com/x"]})
    told = "opentelemetrycollector.opentelemetry.io/finalizer: the OpenTelemetry operator, which must run for that"
    assert bundle_objects.describe_finalizers(held) == f" (finalizers: {told}, e.com/x)"
    assert bundle_objects.describe_finalizers(obj("X")) == ""
