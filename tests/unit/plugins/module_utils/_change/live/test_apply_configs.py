# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each config is a ConfigMap of its own: those that a revision of the workload names stay, so that it can go back."""

from __future__ import annotations

from typing import Any

import pytest

from ...fake_api import FakeApi, status
from ...live_helpers import obj
from .bundle_helpers import COLLECTOR, NAMESPACE, absent, actions, custom, ours, plain, present

SELECTOR = "o11y.opentelemetry/collector=a"
REVISIONS = "/apis/apps/v1/namespaces/ns/"


def config(name: str, text: str = "", labels: Any = None) -> Any:
    data = {"config": text or name}
    return obj("ConfigMap", f"a-{name}", labels=COLLECTOR if labels is None else labels, immutable=True, data=data)


def pod(name: str) -> Any:
    return {"spec": {"template": {"spec": {"volumes": [{"name": "config", "configMap": {"name": f"a-{name}"}}]}}}}


def replica_set(name: str, **more: Any) -> Any:
    return obj("ReplicaSet", f"rs-{name}", labels=COLLECTOR, **pod(name), **more)


def revision(name: str) -> Any:
    return obj("ControllerRevision", f"cr-{name}", api="apps/v1", labels=COLLECTOR, data=pod(name))


def cluster(*revisions: Any, configs: str = "one two") -> FakeApi:
    api = ours(NAMESPACE, plain(), *(config(name) for name in configs.split()))
    api.add(*revisions)
    return api


def change(api: FakeApi, name: str, workload: Any = None, **more: Any) -> Any:
    manifests = [NAMESPACE, config(name), workload or plain()]
    return present(api, manifests, prune_selector=SELECTOR, **more)


@pytest.mark.parametrize("made", [replica_set, revision])
def test_a_config_that_no_revision_names_goes_with_the_next_change(made: Any) -> None:
    api = cluster(made("two"))
    found = actions(change(api, "three"))
    assert found["ConfigMap a-three"] == "created"
    assert found["ConfigMap a-one"] == "pruned"
    assert "ConfigMap a-two" not in found
    assert {"a-two", "a-three"} == {path.rpartition("/")[2] for path in api.objects if "/configmaps/" in path}


def test_a_run_that_changes_no_config_deletes_none_and_reads_no_revision() -> None:
    api = cluster(configs="one two three")
    again = change(api, "three")
    assert set(actions(again).values()) == {"unchanged"}
    assert not {f"{REVISIONS}{kind}" for kind in ("replicasets", "controllerrevisions")} & set(api.sent("GET"))


def test_a_config_map_that_is_no_config_goes_at_once() -> None:
    part = {**COLLECTOR, "o11y.opentelemetry/part": "extra"}
    api = ours(NAMESPACE, plain(), config("one"), config("two"), config("extra", labels=part))
    found = actions(change(api, "two"))
    assert found.pop("ConfigMap a-extra") == "pruned"
    assert set(found.values()) == {"unchanged"}


def test_a_revision_of_another_namespace_keeps_nothing() -> None:
    api = cluster(replica_set("one", namespace="other"), replica_set("two"))
    assert actions(change(api, "three"))["ConfigMap a-one"] == "pruned"


def test_earlier_configs_stay_where_revisions_cannot_be_read() -> None:
    api = cluster()
    api.refuse(f"{REVISIONS}controllerrevisions", status(403, "Forbidden", "not for you"))
    assert set(actions(change(api, "three")).values()) == {"unchanged", "created"}


def test_a_config_of_another_owner_with_copied_labels_stays() -> None:
    api = cluster()
    api.apply("them", config("theirs"))
    assert "ConfigMap a-theirs" not in actions(change(api, "three"))


def test_no_config_stays_for_a_workload_that_goes() -> None:
    api = cluster(replica_set("one"), replica_set("two"))
    result = present(api, [NAMESPACE, custom()], prune_selector=SELECTOR, check=True)
    assert {name for name, action in actions(result).items() if action == "pruned"} == {
        "ConfigMap a-one",
        "ConfigMap a-two",
        "Deployment a",
    }


def test_removal_deletes_every_config() -> None:
    api = cluster(replica_set("one"))
    found = actions(absent(api, [config("two"), plain()], prune_selector=SELECTOR))
    assert (found["ConfigMap a-one"], found["ConfigMap a-two"]) == ("pruned", "deleted")


def test_a_config_under_our_name_with_other_content_is_made_again() -> None:
    """The same config in another format has the same name, and the server changes no immutable ConfigMap."""
    api = ours(NAMESPACE, plain(), config("one", "a: 1"))
    manifests = [NAMESPACE, config("one", "{a: 1}"), plain()]
    assert actions(present(api, manifests))["ConfigMap a-one"] == "changed"
    path = "/api/v1/namespaces/ns/configmaps/a-one"
    assert api.objects[path]["data"] == {"config": "{a: 1}"}
    last = [query for method, found, query in api.requests if (method, found) == ("PATCH", path)][-1]
    assert last["force"] == "false", "what another owner makes after the deletion keeps its fields"
    assert actions(present(api, manifests))["ConfigMap a-one"] == "unchanged"


@pytest.mark.parametrize(("mounted", "before"), [("two", "config: two"), ("lost", "")])
@pytest.mark.parametrize("check", [False, True])
def test_the_difference_of_a_new_config_is_to_the_one_that_the_workload_mounts(
    check: bool, mounted: str, before: str
) -> None:
    api = cluster()
    api.apply("us", plain(**pod(mounted)["spec"]))
    found = change(api, "three", plain(**pod("three")["spec"]), check=check)
    (shown,) = [diff for diff in found["diff"] if diff["after_header"] == "ConfigMap ns/a-three"]
    assert before in shown["before"] and bool(shown["before"]) is bool(before)
    assert "config: three" in shown["after"]
    assert actions(found)["ConfigMap a-three"] == "created"
