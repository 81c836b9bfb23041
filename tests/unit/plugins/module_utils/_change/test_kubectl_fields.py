# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that people set with kubectl in a pod template, with managedFields as an API server writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.kubectl_fields import (
    drop_fields_set_by_hand,
    take_back_fields,
)

OURS = "o11y.opentelemetry"
OLD, NEW, PORT = 'k:{"name":"OLD"}', 'k:{"name":"NEW"}', 'k:{"containerPort":9411,"protocol":"TCP"}'
CONTAINER, WHOLE = 'k:{"name":"c"}', {".": {}, "f:name": {}, "f:value": {}}


def template(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: container}, **more}}}}


def entry(manager: str, fields: Any, operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields, **more}


APPLIED = entry(OURS, template({".": {}, "f:name": {}, "f:env": {NEW: WHOLE}}), "Apply")
BY_HAND = template(
    {"f:env": {OLD: WHOLE}, "f:image": {}, "f:ports": {PORT: {".": {}, "f:containerPort": {}}}},
    **{"f:hostNetwork": {}},
)
LEFT = {"f:metadata": {"f:annotations": {"f:note": {}}}}
SPEC = {
    "hostNetwork": True,
    "containers": [
        {
            "name": "c",
            "image": "i",
            "env": [{"name": "OLD", "value": "1"}, {"name": "NEW", "value": "2"}],
            "ports": [{"containerPort": 9411, "protocol": "TCP"}],
        },
        {"name": "injected"},
    ],
}


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries)}, "spec": {"replicas": 2, "template": {"spec": SPEC}}}


@pytest.mark.parametrize("command", ["kubectl", "kubectl-edit", "kubectl-patch", "kubectl-set"])
def test_what_kubectl_set_belongs_to_the_run_then(command: str) -> None:
    other = entry("kube-controller-manager", {"f:status": {}}, subresource="status")
    given = live(APPLIED, entry(command, {**BY_HAND, **LEFT}), other)
    before = copy.deepcopy(given)
    mine, rest, status = take_back_fields(given, OURS) or []
    assert given == before
    container = mine["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"][CONTAINER]
    assert container["f:env"] == {NEW: WHOLE, OLD: WHOLE}
    assert mine["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:hostNetwork"] == {}
    assert {**mine, "fieldsV1": 0} == {**APPLIED, "fieldsV1": 0}
    assert (rest["manager"], rest["fieldsV1"], status) == (command, LEFT, other)


def test_an_entry_without_other_fields_goes() -> None:
    assert [one["manager"] for one in take_back_fields(live(APPLIED, entry("kubectl", BY_HAND)), OURS) or []] == [OURS]


NOT_BY_HAND = {
    "another controller": entry("reloader", BY_HAND),
    "kubectl rollout restart": entry("kubectl-rollout", BY_HAND),
    "kubectl apply": entry("kubectl-client-side-apply", BY_HAND),
    "server-side apply": entry("kubectl", BY_HAND, "Apply"),
    "kubectl scale": entry("kubectl", {"f:spec": {"f:replicas": {}}}),
    "a subresource": entry("kubectl", BY_HAND, subresource="scale"),
    "another version": entry("kubectl", BY_HAND, apiVersion="apps/v1beta1"),
}


@pytest.mark.parametrize("other", NOT_BY_HAND.values(), ids=NOT_BY_HAND)
def test_what_others_set_stays_theirs(other: dict[str, Any]) -> None:
    given = live(APPLIED, other)
    assert take_back_fields(given, OURS) is None
    assert drop_fields_set_by_hand(given, OURS) == given


def test_what_no_run_applied_is_not_taken() -> None:
    given = live(entry("kubectl", BY_HAND))
    assert take_back_fields(given, OURS) is None
    assert drop_fields_set_by_hand(given, OURS) == given
    assert take_back_fields({"metadata": {}}, OURS) is None


def test_a_try_shows_what_the_apply_will_remove() -> None:
    given = live(APPLIED, entry("kubectl", BY_HAND))
    before = copy.deepcopy(given)
    found = drop_fields_set_by_hand(given, OURS)
    assert given == before
    container = {"name": "c", "env": [{"name": "NEW", "value": "2"}]}
    assert found["spec"] == {"replicas": 2, "template": {"spec": {"containers": [container, {"name": "injected"}]}}}
