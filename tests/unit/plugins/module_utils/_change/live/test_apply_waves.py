# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that works can go back until its wave is decided, and the note that it passed stays beside its collector."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.bundle_task import WORK_BY_STATE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.kept_changes import (
    bring_collectors_back,
    confirm_changes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.wave_note import build_note

from ...fake_api import status
from ...live_helpers import obj
from . import helpers
from .bundle_helpers import NAMESPACE, options
from .helpers import RECORD, ROLE, SELECTOR, Workloads, fails, killed, labels, remove, run
from .rollouts import WORKLOADS, Rollouts, collector
from .test_canary import change, cluster

NOTE = "/api/v1/namespaces/ns/configmaps/a-wave"
ROW = {"wave": "first", "release": "abc"}


def kept(api: Rollouts, config: str = "second", kind: str = "Deployment", **more: Any) -> dict[str, str]:
    """Change a collector for its wave, and return the records that stay."""
    given = {"strategy": "rolling", **more}
    result = change(api, config, kind, change=given, keep_records=True)
    return dict(result["kept_records"])


def test_the_states_of_the_module_decide() -> None:
    assert {state: WORK_BY_STATE[state] for state in ("earlier", "settled")} == {
        "earlier": bring_collectors_back,
        "settled": confirm_changes,
    }


def decide(api: Rollouts, decision: Any, records: dict[str, str], kind: str = "Deployment", **more: Any) -> Any:
    manifests = [NAMESPACE, *collector("second", kind)]
    given = {"field_manager": OWNER, "kept_records": records, "wait_seconds": 60, **more}
    return decision(api.cluster(), options(manifests, **given))


@pytest.mark.parametrize("kind", WORKLOADS)
@pytest.mark.parametrize("strategy", ["rolling", "canary"])
def test_a_change_that_works_goes_back_if_its_wave_fails(kind: str, strategy: str) -> None:
    api = cluster(kind)
    records = kept(api, kind=kind, strategy=strategy)
    assert (api.configs(), list(records), RECORD in api.objects) == (["second"] * 3, ["ns/a"], True)
    result = decide(api, bring_collectors_back, records, kind)
    assert api.configs() == ["first"] * 3
    assert "The earlier config of ns/a is back and works." in result["msg"]
    assert (result["changed"], RECORD in api.objects) == (True, False)


def test_a_wave_that_passed_ends_the_change() -> None:
    api = cluster()
    result = decide(api, confirm_changes, kept(api))
    assert (api.configs(), RECORD in api.objects, result["changed"]) == (["second"] * 3, False, False)
    assert result["msg"] == "the changes stay"


def test_without_a_wave_no_record_stays() -> None:
    api = cluster()
    assert change(api, "second")["kept_records"] == {}
    assert RECORD not in api.objects


@pytest.mark.parametrize("strategy", ["rolling", "canary"])
def test_a_run_that_continues_with_another_config_goes_back_to_the_one_that_works(strategy: str) -> None:
    api = cluster()
    kept(api, strategy=strategy)
    records = kept(api, "third", strategy=strategy)
    decide(api, bring_collectors_back, records)
    assert (api.configs(), RECORD in api.objects) == (["second"] * 3, False)


@pytest.mark.parametrize("strategy", ["rolling", "canary"])
def test_a_run_that_continues_with_the_same_config_goes_back_to_what_was_before_it(strategy: str) -> None:
    api = cluster()
    kept(api, strategy=strategy)
    decide(api, bring_collectors_back, kept(api, strategy=strategy))
    assert (api.configs(), RECORD in api.objects) == (["first"] * 3, False)


def test_a_canary_that_passed_does_not_fail_if_its_record_cannot_say_so() -> None:
    api = cluster()
    denied = status(422, "Invalid", "admission webhook denied the request")
    api.trouble = lambda method, path: (
        denied if (method, path) == ("PATCH", RECORD) and api.configs() == ["second"] * 3 else None
    )
    records = kept(api, strategy="canary")
    assert (list(records), api.configs()) == (["ns/a"], ["second"] * 3)
    api.trouble = lambda _method, _path: None
    decide(api, bring_collectors_back, records)
    assert api.configs() == ["first"] * 3


def test_a_run_without_waves_ends_what_was_left() -> None:
    api = cluster()
    kept(api)
    change(api, "second")
    assert (api.configs(), RECORD in api.objects) == (["second"] * 3, False)


@pytest.mark.parametrize("decision", [bring_collectors_back, confirm_changes])
def test_what_another_run_has_changed_since_stays(decision: Any) -> None:
    api = cluster()
    records = kept(api)
    others = kept(api, "third")
    result = decide(api, decision, records)
    assert "ns/a stays as it is: another run has changed it since." in result["msg"]
    assert api.configs() == ["third"] * 3
    assert api.objects[RECORD]["data"]["run"] == others["ns/a"], "the other run needs it"


def test_what_changed_nothing_has_nothing_to_take_back() -> None:
    api = cluster()
    assert kept(api, "first") == {}
    result = decide(api, bring_collectors_back, {})
    assert (result["msg"], result["changed"], api.configs()) == ("nothing went back", False, ["first"] * 3)


def test_a_change_that_fails_goes_back_by_itself_and_keeps_no_record() -> None:
    api = cluster()
    given = {"ns/a": {"strategy": "rolling", "on_failure": "rollback"}}
    manifests = [NAMESPACE, *collector("broken")]
    failure = fails(api, manifests, change=given, keep_records=True, wait_seconds=60)
    assert failure.facts["kept_records"] == {}
    assert (api.configs(), RECORD in api.objects) == (["first"] * 3, False)


def test_check_mode_decides_nothing() -> None:
    api = cluster()
    records = kept(api)
    before = api.configs()
    decide(api, bring_collectors_back, records, check=True)
    assert (api.configs(), RECORD in api.objects) == (before, True)


KEEPS: dict[str, Any] = {"on_failure": "keep"}


@pytest.mark.parametrize("strategy", ["rolling", "canary"])
def test_a_collector_that_keeps_its_changes_has_no_way_back(strategy: str) -> None:
    api = cluster()
    assert kept(api, strategy=strategy, **KEEPS) == {}
    assert (api.configs(), RECORD in api.objects) == (["second"] * 3, False)


def test_what_a_killed_run_left_of_such_a_collector_is_no_way_back_either() -> None:
    api = helpers.cluster(helpers.collector("one"))
    killed(api, helpers.collector("bad"), "")
    assert RECORD in api.objects
    assert run(api, helpers.collector("two"), change={"ns/a": KEEPS}, keep_records=True)["kept_records"] == {}
    assert RECORD not in api.objects


def back(api: Workloads, applied: Any, manifests: Any, **more: Any) -> Any:
    names = ("kept_records", "kept_rights")
    given = {"field_manager": OWNER, "wait_seconds": 60, **{name: applied[name] for name in names}, **more}
    return bring_collectors_back(api.cluster(), options(manifests, **given))


def test_roles_go_back_with_their_collector_by_what_its_own_run_knows() -> None:
    api = helpers.cluster(helpers.collector("one"))
    before = api.objects[ROLE]["rules"]
    applied = run(api, helpers.collector("two"), keep_records=True)
    assert api.objects[ROLE]["rules"] != before
    back(api, applied, helpers.collector("two"))
    assert (api.image(), api.objects[ROLE]["rules"]) == ("one", before)


def test_roles_of_others_do_not_go_back() -> None:
    api = helpers.cluster(helpers.collector("one"), helpers.collector("one", "b"))
    applied = run(api, helpers.collector("two"), keep_records=True)
    foreign = obj("ClusterRole", "ns.b", rules=[{"verbs": ["*"]}])
    back(api, {**applied, "kept_rights": [*applied["kept_rights"], foreign]}, helpers.collector("two"))
    assert "*" not in str(api.objects[ROLE.replace("ns.a", "ns.b")])


def test_a_collector_that_cannot_go_back_keeps_no_other() -> None:
    both = [*helpers.collector("one"), *helpers.collector("one", "b")[1:]]
    api = helpers.cluster(both)
    new = [*helpers.collector("two"), *helpers.collector("two", "b")[1:]]
    applied = run(api, new, keep_records=True)
    assert set(applied["kept_records"]) == {"ns/a", "ns/b"}
    api.objects[RECORD]["data"]["before.json"] = "{"
    said = back(api, applied, new)["msg"]
    assert (api.image(), api.image(name="b")) == ("two", "one")
    assert "ns/a stays as it is: ConfigMap ns/a-change, which an earlier run left, cannot be read." in said
    assert "The earlier config of ns/b is back and works." in said


def test_a_collector_whose_namespace_is_gone_keeps_no_other() -> None:
    new = [NAMESPACE, *helpers.collector("two")[1:]]
    api = helpers.cluster(helpers.collector("one"))
    applied = run(api, new, keep_records=True)
    records = {**applied["kept_records"], "gone/b": "run"}
    other = obj("Deployment", "b", "gone", api="apps/v1", labels=labels("b"), spec=new[-1]["spec"])
    said = back(api, {**applied, "kept_records": records}, [*new, other])["msg"]
    assert "gone/b stays as it is: the namespace 'gone' no longer exists." in said
    assert "The earlier config of ns/a is back and works." in said
    assert api.image() == "one"


def noted(manager: str = OWNER, name: str = "a") -> Workloads:
    """Return a cluster whose collector has passed a wave."""
    api = helpers.cluster(helpers.collector("one"))
    workload = obj("Deployment", name, api="apps/v1", labels={**labels(), SELECTOR: name})
    api.apply(manager, build_note(workload, ROW))
    return api


def test_the_note_of_a_collector_stays_with_it_and_goes_with_it() -> None:
    api = noted()
    for config in ("one", "two", "three"):
        run(api, helpers.collector(config))
        assert NOTE in api.objects, config
    remove(api, helpers.collector("three"))
    assert NOTE not in api.objects


def test_a_note_of_no_collector_of_the_bundle_is_a_leftover() -> None:
    api = noted(name="b")
    run(api, helpers.collector("one"))
    assert "/api/v1/namespaces/ns/configmaps/b-wave" not in api.objects


def test_the_note_of_another_owner_stays() -> None:
    api = noted("kubectl-client-side-apply")
    remove(api, helpers.collector("one"))
    assert NOTE in api.objects
