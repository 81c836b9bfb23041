# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deleted to be created anew: the server takes the new one first, and a late refusal brings back the old."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ...live_helpers import obj
from .bundle_helpers import (
    COLLECTOR,
    DEFINITION,
    NAMESPACE,
    RESOURCE,
    actions,
    changes,
    custom,
    ours,
    present,
)

MODES = [NAMESPACE, DEFINITION, custom(mode="deployment")]
DENIED = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no way"
NOT_YOURS = 'User "u" cannot patch resource "opentelemetrycollectors" in API group "opentelemetry.io"'
NO_ROOM = "exceeded quota: one, requested: 1, used: 1, limited: 1"


def refusing(monkeypatch: pytest.MonkeyPatch, api: FakeApi, refuses: Any, answer: Any = None) -> None:
    """Let the server refuse some writes, by whether they are tried and by the mode that they want."""
    patch = api._patch

    def answered(path: str, query: Any, body: Any, match: Any) -> Any:
        mode = body["kind"] == "OpenTelemetryCollector" and body["spec"].get("mode")
        text = f'opentelemetrycollectors "{body["metadata"]["name"]}" is forbidden: {DENIED}'
        given = answer or status(403, "Forbidden", text)
        return given if mode and refuses("dryRun" in query, mode) else patch(path, query, body, match)

    monkeypatch.setattr(api, "_patch", answered)


@pytest.mark.parametrize("check", [True, False])
def test_a_mode_that_the_server_refuses_changes_nothing(check: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    api = ours(*MODES)
    refusing(monkeypatch, api, lambda _tried, mode: mode == "daemonset")
    words = rf'Apply OpenTelemetryCollector ns/a: an admission policy denied it \(opentelemetrycollectors "a".*{DENIED}'
    with pytest.raises(Problem, match=words) as caught:
        present(api, [NAMESPACE, obj("ConfigMap", labels=COLLECTOR), custom(mode="daemonset")], check=check)
    assert "Done before" not in str(caught.value)
    assert changes(api) == []


@pytest.mark.parametrize("said", [NO_ROOM, NOT_YOURS], ids=["a quota", "rights for one name"])
def test_what_holds_for_the_free_name_alone_refuses_nothing(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    api = ours(*MODES)
    refusing(monkeypatch, api, lambda tried, _mode: tried, status(403, "Forbidden", said))
    assert actions(present(api, [NAMESPACE, custom(mode="daemonset")]))["OpenTelemetryCollector a"] == "changed"
    assert api.objects[RESOURCE]["spec"]["mode"] == "daemonset"


def test_what_has_to_be_made_anew_is_tried_once_under_a_free_name() -> None:
    api = ours(*MODES)
    for tried in (1, 0):
        api.requests.clear()
        present(api, [NAMESPACE, custom(mode="daemonset")])
        paths = [path for _method, path, query in api.requests if "dryRun" in query]
        assert [path.startswith(RESOURCE) and path not in api.objects for path in paths] == [True] * tried
    assert [path for path in api.objects if path.startswith(RESOURCE)] == [RESOURCE]


def test_no_warning_names_what_was_only_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    api = ours(*MODES)
    patch = api._patch

    def warned(path: str, query: Any, body: Any, match: Any) -> Any:
        text = f'299 - "look at {body["metadata"]["name"]}"' if path.startswith(RESOURCE) else ""
        return patch(path, query, body, match)._replace(headers={"Warning": text} if text else {})

    monkeypatch.setattr(api, "_patch", warned)
    assert present(api, [NAMESPACE, custom(mode="daemonset")])["warnings"] == ["look at a"]


@pytest.mark.parametrize("manager", ["us", "another"])
def test_a_mode_that_the_server_refuses_late_goes_back(manager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    api = ours(NAMESPACE, DEFINITION)
    api.apply(manager, custom(mode="deployment", replicas=2))
    api.objects[RESOURCE]["metadata"]["finalizers"] = ["operator"]
    refusing(monkeypatch, api, lambda tried, mode: mode == "daemonset" and not tried)
    words = r"no way(?s:.)*Collector ns/a was deleted for its change, and exists again as it was applied before\."
    with pytest.raises(Problem, match=words) as caught:
        present(api, [NAMESPACE, custom(mode="daemonset")], adopt=("",))
    assert actions(caught.value.facts)["OpenTelemetryCollector a"] == "restored"  # type: ignore[attr-defined]
    assert "Done before" not in str(caught.value)
    assert api.sent("DELETE") == [RESOURCE]
    assert api.objects[RESOURCE]["spec"] == {"mode": "deployment", "replicas": 2}
    assert ("finalizers" in api.objects[RESOURCE]["metadata"]) is (manager != "us"), "this is what `us` applied"


def test_a_mode_that_the_server_refuses_late_does_not_replace_what_another_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, gone = ours(*MODES), FakeApi._delete

    def taken(*asked: Any) -> Any:
        answer = gone(api, *asked)
        api.add(obj("OpenTelemetryCollector", spec={"replicas": 1}))
        return answer

    monkeypatch.setattr(api, "_delete", taken)
    refusing(monkeypatch, api, lambda tried, mode: mode == "daemonset" and not tried)
    with pytest.raises(Problem, match=r"not undone: deleted OpenTelemetryCollector ns/a\.$") as caught:
        present(api, [NAMESPACE, custom(mode="daemonset")])
    assert "exists again" not in str(caught.value)
    assert api.objects[RESOURCE]["spec"] == {"replicas": 1}


def test_what_another_made_anew_before_it_is_deleted_stays() -> None:
    api = ours(*MODES)

    def make_anew(method: str, path: str) -> None:
        if (method, path) == ("DELETE", RESOURCE) and "replicas" not in api.objects[RESOURCE]["spec"]:
            api.add(obj("OpenTelemetryCollector", spec={"replicas": 1}))

    api.trouble = make_anew
    with pytest.raises(Problem, match=r"Replace .* ns/a: it was made anew since this run read it"):
        present(api, [NAMESPACE, custom(mode="daemonset")])
    assert api.objects[RESOURCE]["spec"] == {"replicas": 1}


@pytest.mark.parametrize("stays", [True, False])
def test_what_neither_mode_has_any_more_is_told(stays: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier resource keeps its finalizer, or the server takes neither of the two."""
    api = ours(*MODES)
    refusing(monkeypatch, api, lambda tried, _mode: not tried)
    if stays:
        monkeypatch.setattr(api, "_delete", lambda *_asked: status(200, "", ""))
    words = "still there after 30 s" if stays else "no way"
    with pytest.raises(Problem, match=rf"{words}(?s:.)*not undone: deleted OpenTelemetryCollector ns/a\.$"):
        present(api, [NAMESPACE, custom(mode="daemonset")])
    assert (RESOURCE in api.objects) is stays
