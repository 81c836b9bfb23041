# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people set with kubectl in a pod template, such as `kubectl rollout undo` does, goes with the next run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases

from ...fake_api import FakeApi, status
from ...server_side_apply import updated
from .bundle_helpers import NAMESPACE, RELEASE, actions, plain, present
from .helpers import DEPLOYMENT, RECORD, cluster, collector, run

PATH = "/apis/apps/v1/namespaces/ns/deployments/a"
BUNDLE = [NAMESPACE, plain()]


def undone(manager: str = "kubectl", **spec: Any) -> FakeApi:
    """Return an API server on which a command has set fields of the pod template that the bundle does not set."""
    api = FakeApi()
    present(api, BUNDLE)
    given = {"spec": {"template": {"spec": {"hostNetwork": True}}, **spec}}
    new = updated(api.objects[PATH], given, manager)
    api.objects[PATH] = api._stored(new, {})
    return api


def pod(api: FakeApi) -> Any:
    return api.objects[PATH]["spec"]["template"]["spec"]


def test_it_goes_and_nothing_else_does() -> None:
    api = undone(paused=True)
    checked = present(api, BUNDLE, check=True)
    assert "hostNetwork" in pod(api)
    first = present(api, BUNDLE)
    assert checked["diff"] == first["diff"]
    assert actions(checked) == actions(first)
    assert first["changed"]
    assert "hostNetwork" not in pod(api)
    assert api.objects[PATH]["spec"]["paused"]
    assert not present(api, BUNDLE)["changed"]


@cases("manager, force", ("reloader", True), ("kubectl", False))
def test_it_stays_if_others_set_it_or_conflicts_are_errors(manager: str, force: bool) -> None:
    api = undone(manager)
    for check in (True, False):
        assert not present(api, BUNDLE, check=check, force_conflicts=force)["changed"]
    assert pod(api)["hostNetwork"]


def test_an_object_that_changes_meanwhile_is_read_again() -> None:
    api = undone()
    conflicts = iter([status(409, "Conflict", "the object has been modified")] * 2)
    api.trouble = lambda method, path: next(conflicts, None) if (method, path) == ("PATCH", PATH) else None
    present(api, BUNDLE)
    assert "hostNetwork" not in pod(api)


def test_an_object_that_never_rests_ends_the_run() -> None:
    api = undone()
    api.refuse(PATH, status(409, "Conflict", "the object has been modified"), "PATCH")
    with pytest.raises(Problem, match="Take back what kubectl set in Deployment ns/a: it has changed 10 times"):
        present(api, BUNDLE)


def test_a_refusal_names_what_was_tried() -> None:
    api = undone()
    api.refuse(PATH, method="PATCH")
    with pytest.raises(Problem, match="Take back what kubectl set in Deployment ns/a"):
        present(api, BUNDLE)


def test_an_object_that_others_take_over_meanwhile_is_not_touched() -> None:
    api = undone()

    def taken_over(method: str, path: str) -> Any:
        if (method, path) == ("PATCH", PATH):
            api.trouble = lambda _method, _path: None
            api.objects[PATH]["metadata"]["labels"] = {RELEASE: "team-b"}
            return status(409, "Conflict", "the object has been modified")
        return None

    api.trouble = taken_over
    present(api, BUNDLE)
    assert "kubectl" in [entry["manager"] for entry in api.objects[PATH]["metadata"]["managedFields"]]


def test_what_goes_is_a_change_with_a_record_like_any_other() -> None:
    api = cluster(collector("one"))
    given = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    api.objects[DEPLOYMENT] = api._stored(updated(api.objects[DEPLOYMENT], given, "kubectl"), {})
    run(api, collector("one"))
    assert "hostNetwork" not in api.objects[DEPLOYMENT]["spec"]["template"]["spec"]
    assert RECORD in api.sent("PATCH")
    assert RECORD not in api.objects
