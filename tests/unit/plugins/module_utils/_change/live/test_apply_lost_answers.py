# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each write does its work, and its answer is lost: sent again, it does no harm. And a server that stays away."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure

from .bundle_helpers import DEFINITION, NAMESPACE, RESOURCE, actions, custom, present
from .helpers import DEPLOYMENT, RECORD, Workloads, collector, fails, remove, run
from .test_apply_remade import refusing


class Lossy(Workloads):
    """The first answer to each write of an object is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: set[tuple[str, str, bytes | None]] = set()

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        answer = super().__call__(method, target, headers, body)
        if method in ("PATCH", "DELETE") and "dryRun" not in target and (method, target, body) not in self.lost:
            self.lost.add((method, target, body))
            raise LostError("timeout", "Read timed out.", "https://a", again=False)
        return answer

    def forget(self) -> None:
        self.lost.clear()


def test_a_collector_is_made_changed_taken_back_and_removed() -> None:
    api = Lossy()
    run(api, collector("one"))
    for name, image in (("two", "two"), ("bad", "two")):
        api.forget()
        if name == "bad":
            assert "The earlier config of ns/a is back and works." in fails(api, collector(name)).fix
        else:
            assert run(api, collector(name))["ready"]
        assert (api.image(), RECORD in api.objects) == (image, False)
        assert ("PATCH", RECORD) in {(method, target.partition("?")[0]) for method, target, _ in api.lost}
    api.forget()
    remove(api, collector("two"))
    assert [path for path in api.objects if path.endswith("/a")] == []


@pytest.mark.parametrize("refused", [False, True])
def test_an_object_is_deleted_and_made_anew(refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Lossy()
    api.apply("us", NAMESPACE, DEFINITION, custom(mode="deployment"))
    if not refused:
        present(api, [NAMESPACE, custom(mode="daemonset")])
        assert api.objects[RESOURCE]["spec"]["mode"] == "daemonset"
        return
    refusing(monkeypatch, api, lambda tried, mode: mode == "daemonset" and not tried)
    with pytest.raises(Failure, match="exists again as it was applied before") as caught:
        present(api, [NAMESPACE, custom(mode="daemonset")])
    assert actions(caught.value.facts)["OpenTelemetryCollector a"] == "restored"
    assert api.objects[RESOURCE]["spec"]["mode"] == "deployment"


@pytest.mark.parametrize("where", ["/services/a", "/deployments/a", ""])
def test_a_server_that_stays_away_leaves_a_change_that_the_next_run_completes(where: str) -> None:
    api = Workloads()
    run(api, collector("one"))

    def gone(method: str, path: str) -> None:
        begun = RECORD in api.objects
        if (method == "PATCH" and path.endswith(where) and begun) if where else api.image() == "two":
            api.trouble = away
            away(method, path)

    def away(_method: str, _path: str) -> None:
        raise LostError("refused", "Connection refused", "https://a", again=True)

    api.trouble = gone
    start = api.clock.now
    failure = fails(api, collector("two"), wait_seconds=60)
    assert 60 <= api.clock.now - start < 70
    assert "the Kubernetes API at https://a has answered before, but not in the last 6" in str(failure)
    assert "the next run completes what this one has begun." in failure.fix
    assert "Done before this error, and not undone: " in failure.fix
    assert RECORD in api.objects
    api.trouble = lambda _method, _path: None
    assert run(api, collector("two"))["ready"]
    assert (api.image(), RECORD in api.objects, DEPLOYMENT in api.objects) == ("two", False, True)
