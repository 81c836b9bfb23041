# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace of ours goes only when nothing is left in it; and what a bundle tries again, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ...live_helpers import definition, obj
from .bundle_helpers import DEFINITION, NAMESPACE, RESOURCE, actions, custom, present, remove, run

ARGO = "argoproj.io/v1alpha1"
KINDS = ("CronJob", "RoleBinding", "Instrumentation", "ConfigMap", "PersistentVolumeClaim")


@pytest.mark.parametrize("more", [*(obj(kind, "b", "shop") for kind in KINDS), obj("Application", "b", "shop", ARGO)])
def test_a_namespace_of_ours_stays_for_any_kind_of_object(more: Any) -> None:
    api = FakeApi(definition("Application", ARGO, {"team": "b"}))
    run(api, "shop")
    api.add(more)
    for check in (True, False):
        result = remove(api, "shop", check=check)
        assert f"Kept Namespace shop: it still has {more['kind']} shop/b" in result["warnings"]
        assert actions(result)["Namespace shop"] == "unchanged"
    assert "/api/v1/namespaces/shop" in api.objects
    assert [path for path in api.objects if "/gw" in path] == []


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/apis", 503, "which kinds of objects it may hold is unknown"),
        ("/apis/batch/v1", 503, "which kinds of objects it may hold is unknown"),
        ("/apis/batch/v1/namespaces/shop/cronjobs", 403, "may not see whether it still has cronjobs"),
        ("/apis/batch/v1/namespaces/shop/cronjobs", 500, "may not see whether it still has cronjobs"),
    ],
)
def test_a_namespace_stays_when_what_it_holds_is_unknown(path: str, code: int, words: str) -> None:
    api = FakeApi()
    run(api, "shop")
    api.refuse(path, status(code, "x", "no"))
    result = remove(api, "shop")
    assert any(warning.startswith("Kept Namespace shop: ") and words in warning for warning in result["warnings"])
    assert "/api/v1/namespaces/shop" in api.objects


def test_a_kind_of_the_bundle_that_another_server_does_not_know_yet_is_tried_again() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse(RESOURCE, status(404, "NotFound", "the server could not find the requested resource"), "PATCH", 2)
    assert actions(present(api, [NAMESPACE, DEFINITION, custom()]))["OpenTelemetryCollector a"] == "created"
    assert api.clock.now >= 2


CALL = 'failed calling webhook "a": failed to call webhook: Post "https://hook.ns.svc:443/": no endpoints available'


@pytest.mark.parametrize(("back", "works"), [(25, True), (99, False)])
def test_a_webhook_that_restarts_is_waited_for(back: float, works: bool) -> None:
    api = FakeApi(NAMESPACE, DEFINITION)
    api.refuse(RESOURCE, status(500, "InternalError", CALL), "PATCH", back)
    if works:
        assert actions(present(api, [NAMESPACE, custom()]))["OpenTelemetryCollector a"] == "created"
        return
    with pytest.raises(
        Problem, match="webhook does not answer: the Service ns/hook has no pod that is ready"
    ) as caught:
        present(api, [NAMESPACE, custom()])
    assert 30 <= api.clock.now < 40
    assert "There is no Service ns/hook" in str(caught.value)
    assert caught.value.facts["failures"][0]["id"] == "no_endpoints"  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", ["context deadline exceeded", "dial tcp 192.0.2.1:443: connection refused"])
def test_the_advice_on_a_webhook_by_url_is_about_its_url(reason: str) -> None:
    api = FakeApi(NAMESPACE, DEFINITION)
    text = f'failed calling webhook "a": failed to call webhook: Post "https://hooks.example.com/a": {reason}'
    api.refuse(RESOURCE, status(500, "InternalError", text), "PATCH", 99)
    with pytest.raises(Problem) as caught:
        present(api, [NAMESPACE, custom()])
    assert "Let the control plane reach the URL of the webhook" in str(caught.value)


def test_a_kind_is_served_also_when_old_objects_cannot_be_converted() -> None:
    api = FakeApi(NAMESPACE)
    text = 'conversion webhook for a/v1, Kind=B failed: Post "https://hook.ns.svc": EOF'
    api.refuse("/opentelemetrycollectors", status(500, "InternalError", text))
    present(api, [NAMESPACE, DEFINITION])
    assert api.clock.now == 0
