# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others still keep of what is to go."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.remaining_objects import find_remaining_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from ..helpers import cases
from .manifests import controlled, obj, owned


def token(name: str, account: str = "", type: str = "kubernetes.io/service-account-token") -> Any:  # noqa: A002
    return obj("Secret", name, type=type, metadata={"annotations": {"kubernetes.io/service-account.name": account}})


@cases(
    "item, left",
    (obj("ConfigMap", "theirs"), True),
    (obj("ConfigMap", "kube-root-ca.crt"), False),
    (obj("RoleBinding", "system:deployers"), False),
    (obj("RoleBinding", "deployers"), True),
    (obj("Lease", "election", api="coordination.k8s.io/v1"), False),
    (obj("Lease", "theirs", api="vspherecapacitymanager.splat.io/v1"), True),
    (obj("Event", "e"), False),
    (obj("Event", "e", api="events.k8s.io/v1"), False),
    (obj("Event", "e", api="example.com/v1"), True),
    (obj("EndpointSlice", "s", api="discovery.k8s.io/v1"), False),
    (obj("ClusterServiceVersion", "v1", metadata={"labels": {"olm.copiedFrom": "operators"}}), False),
    (obj("ServiceAccount", "default"), False),
    (obj("ServiceAccount", "deployer"), True),
    (obj("ConfigMap", "istio-ca-root-cert"), True),
    (obj("ConfigMap", "istio-ca-root-cert", metadata={"labels": {"istio.io/config": "true"}}), False),
    (token("default-token-x7k2p", "default"), False),
    (token("ci-default", "default"), True),
    (token("any", "collector"), False),
    (token("any", "theirs"), True),
    (token("theirs-token-x7k2p", "theirs"), True),
    (token("collector-dockercfg-x7k2p", type="kubernetes.io/dockercfg"), False),
    (obj("Secret", "default-token-x7k2p", type="Opaque"), True),
    (obj("ConfigMap", "ours"), False),
    (obj("Pod", "p", metadata=controlled("ReplicaSet")), False),
    (obj("Pod", "p", metadata=controlled("Job")), True),
    (obj("Deployment", "d", metadata=controlled("OpenTelemetryCollector")), False),
    (obj("Deployment", "d", metadata=controlled("OpenTelemetryCollector", "theirs")), True),
    (obj("Secret", "s", metadata=owned("OpenTelemetryCollector/a", "ConfigMap/ours")), False),
    (obj("Secret", "s", metadata=owned("OpenTelemetryCollector/a", "ConfigMap/theirs")), True),
    (obj("Secret", "s", metadata=owned()), True),
)
def test_leftovers_are_what_somebody_else_keeps(item: Any, left: Any) -> None:
    going = {
        ("", ObjectRef("ConfigMap", "ns", "ours")),
        ("opentelemetry.io", ObjectRef("OpenTelemetryCollector", "ns", "a")),
    }
    going |= {
        ("", ObjectRef("ServiceAccount", "ns", "collector")),
        ("", ObjectRef("ServiceAccount", "elsewhere", "theirs")),
    }
    assert bool(find_remaining_objects([item, obj("ServiceAccount", "default")], going)) is left


@cases("account, binding", ("builder", "system:image-builders"), ("deployer", "system:deployers"))
def test_accounts_that_openshift_makes_come_with_its_bindings(account: str, binding: str) -> None:
    made = [obj("ServiceAccount", account), token(f"{account}-dockercfg-x7k2p", type="kubernetes.io/dockercfg")]
    assert find_remaining_objects([*made, obj("RoleBinding", binding)], set()) == []
    assert len(find_remaining_objects([*made, obj("RoleBinding", "system:image-pullers")], set())) == 2
    by_hand = token("ci-token", account)
    assert find_remaining_objects([*made, obj("RoleBinding", binding), by_hand], set()) == [
        ObjectRef("Secret", "ns", "ci-token")
    ]


def test_what_belongs_to_what_goes_goes_too_however_far_within_its_api_group() -> None:
    thing = obj("Thing", "t", api="example.com/v1", metadata=controlled("Deployment", "d"))
    made = obj("ConfigMap", "c", metadata=controlled("Thing", "t"))
    assert find_remaining_objects([made, thing], {("apps", ObjectRef("Deployment", "ns", "d"))}) == []
    assert len(find_remaining_objects([made, thing], set())) == 2
    knative = obj("Service", "gateway", api="serving.knative.dev/v1")
    assert find_remaining_objects([knative], {("", ObjectRef("Service", "ns", "gateway"))}) == [
        ObjectRef("Service", "ns", "gateway")
    ]
