# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle tries again, and for how long."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..fake_api import FakeApi, status
from .test_apply import NAMESPACE, actions, present
from .test_switch import DEFINITION, RESOURCE, custom


def test_a_kind_of_the_bundle_that_another_server_does_not_know_yet_is_tried_again() -> None:
    api = FakeApi(NAMESPACE)
    late = status(404, "NotFound", "the server could not find the requested resource")
    api.trouble = lambda method, path: late if (method, path) == ("PATCH", RESOURCE) and api.clock.now < 2 else None
    assert actions(present(api, [NAMESPACE, DEFINITION, custom()]))["OpenTelemetryCollector a"] == "created"
    assert api.clock.now >= 2


CALL = 'failed calling webhook "a": failed to call webhook: Post "https://hook.ns.svc:443/": no endpoints available'


@pytest.mark.parametrize(("back", "works"), [(25, True), (99, False)])
def test_a_webhook_that_restarts_is_waited_for(back: float, works: bool) -> None:
    api = FakeApi(NAMESPACE, DEFINITION)
    no = status(500, "InternalError", CALL)
    api.trouble = lambda method, path: no if (method, path) == ("PATCH", RESOURCE) and api.clock.now < back else None
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


def test_a_kind_is_served_also_when_old_objects_cannot_be_converted() -> None:
    api = FakeApi(NAMESPACE)
    no = status(500, "InternalError", 'conversion webhook for a/v1, Kind=B failed: Post "https://hook.ns.svc": EOF')
    api.trouble = lambda _method, path: no if path.endswith("/opentelemetrycollectors") else None
    present(api, [NAMESPACE, DEFINITION])
    assert api.clock.now == 0
