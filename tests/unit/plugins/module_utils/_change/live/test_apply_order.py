# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In one run receivers change before senders, and after them if they lose a port."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.collector_flows import (
    EarlierConfig,
    Flow,
    find_earlier_flows,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.dependency_order import order_apply_steps
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ref

from ...live_helpers import obj
from .bundle_helpers import actions
from .helpers import Workloads, cluster, collector, labels, run

FLOWS = [{"sender": "ns/a", "receiver": "ns/b"}, {"sender": "ns/b", "receiver": "ns/c"}]
NAMES = ("a", "b", "c")


def bundle(image: str, *names: str, **ports: list[int]) -> list[Any]:
    """Return collectors whose Services have these ports, or 4317."""
    made: list[Any] = []
    for name in names or NAMES:
        own = copy.deepcopy(collector(image, name))
        own[3]["spec"] = {"ports": [{"port": one, "protocol": "TCP"} for one in ports.get(name, [4317])]}
        made += own[1:] if made else own
    return made


def written(api: Workloads) -> list[str]:
    """Return the names of the Deployments that were written, in this order."""
    sent = [(path, query) for method, path, query in api.requests if method == "PATCH" and "/deployments/" in path]
    return [path.rpartition("/")[2] for path, query in sent if "dryRun" not in query]


def changed(after: list[Any], before: list[Any] | None = None, **more: Any) -> tuple[list[str], Any]:
    api = cluster(before or bundle("one"))
    result = run(api, after, **{"flows": FLOWS, **more})
    return written(api), result


def test_receivers_change_first_and_their_senders_when_they_work() -> None:
    order, result = changed(bundle("two"))
    assert order == ["c", "b", "a"]
    assert (result["ready"], result["warnings"]) == (True, [])


def test_a_receiver_that_loses_a_port_changes_after_its_senders() -> None:
    order, _result = changed(bundle("two"), bundle("one", b=[4317, 4318]))
    assert order.index("a") < order.index("b")
    assert order.index("c") < order.index("b")


def test_a_receiver_that_swaps_a_port_changes_first_with_a_warning() -> None:
    order, result = changed(bundle("two", b=[4318]))
    assert order.index("b") < order.index("a")
    assert "ns/b opens 4318/TCP and closes 4317/TCP in one run" in str(result["warnings"])
    assert "Open the new port in one run, and close the old one in the next." in str(result["warnings"])


SENDING = """
exporters: {otlp_http: {endpoint: "http://b.ns.svc:4318"}}
service: {pipelines: {traces: {exporters: [otlp_http]}}}
"""


def sending() -> list[Any]:
    """Return a bundle whose collector `a` sends to `b` by its config alone, and `b` has two ports."""
    made = bundle("one", b=[4317, 4318])
    next(item for item in made if item["metadata"]["name"] == "a-one")["data"] = {"config": SENDING}
    return made


@pytest.mark.parametrize("opened", [[], [4319]])
def test_a_sender_that_stops_sending_changes_before_its_receiver_closes_the_port(opened: list[int]) -> None:
    order, result = changed(bundle("two", b=[4317, *opened]), sending(), flows=[])
    assert order.index("a") < order.index("b")
    assert (result["warnings"], result["ready"]) == ([], True)


def test_a_sender_that_stops_sending_and_fails_leaves_the_port_open() -> None:
    api = cluster(sending())
    after = [*bundle("bad", "a"), *bundle("two", "b")[1:]]
    with pytest.raises(Failure) as caught:
        run(api, after, flows=[])
    assert "Not changed, because it comes after: ns/b." in caught.value.fix
    assert [api.image(name=name) for name in ("a", "b")] == ["one", "one"]


@pytest.mark.parametrize(("kind", "service"), [("Service", "b"), ("OpenTelemetryCollector", "b-collector")])
def test_what_an_earlier_config_sends_to(kind: str, service: str) -> None:
    exporter = {"otlp_grpc": {"endpoint": f"{service}:4317"}}
    config = {"exporters": exporter, "service": {"pipelines": {"logs": {"exporters": ["otlp_grpc"]}}}}
    receiver = obj(kind, "b", labels=labels("b"))
    configs = [("ns/a", config), ("other/a", config), ("ns/b", None), ("ns/c", [1])]
    earlier_configs = [EarlierConfig(*one) for one in configs]
    assert find_earlier_flows([receiver], earlier_configs) == [Flow("ns/a", "ns/b")]


def test_an_earlier_flow_to_a_receiver_that_closes_no_port_gives_no_order() -> None:
    api = cluster(sending())
    with pytest.raises(Failure) as caught:
        run(api, [*bundle("bad", "a"), *bundle("two", "b", b=[4317, 4318])[1:]], flows=[])
    assert "Not changed" not in caught.value.fix
    assert api.image(name="b") == "two"


def test_a_receiver_that_fails_goes_back_and_stops_its_senders() -> None:
    api = cluster(bundle("one"))
    after = [*bundle("two", "a"), *bundle("bad", "b")[1:], *bundle("two", "c")[1:]]
    with pytest.raises(Failure) as caught:
        run(api, after, flows=FLOWS)
    assert written(api) == ["c", "b", "b"]
    assert [api.image(name=name) for name in NAMES] == ["one", "one", "two"]
    assert "The earlier config of ns/b is back and works." in caught.value.fix
    assert "Not changed, because it comes after: ns/a." in caught.value.fix
    assert not [path for path in api.objects if path.endswith("-change")]


def test_a_receiver_that_keeps_a_config_that_fails_stops_its_senders_too() -> None:
    api = cluster(bundle("one"))
    after = [*bundle("two", "a"), *bundle("bad", "b")[1:], *bundle("two", "c")[1:]]
    with pytest.raises(Failure, match="Not changed, because it comes after: ns/a"):
        run(api, after, flows=FLOWS, change={"ns/b": {"on_failure": "keep"}})
    assert [api.image(name=name) for name in NAMES] == ["one", "bad", "two"]


def test_a_new_receiver_works_before_its_sender_changes() -> None:
    order, _result = changed(bundle("two", "a", "b"), bundle("one", "a"), flows=FLOWS[:1])
    assert order == ["b", "a"]
    api = cluster(bundle("one", "a"))
    with pytest.raises(Failure, match="Not changed, because it comes after: ns/a"):
        run(api, [*bundle("two", "a"), *bundle("bad", "b")[1:]], flows=FLOWS)
    assert (api.image(), api.image(name="b")) == ("one", "bad"), "a new collector stays as it is"


def test_a_first_installation_and_a_run_without_a_change_have_no_order() -> None:
    new = Workloads()
    run(new, bundle("one"), flows=FLOWS)
    assert len(set(written(new))) == len(NAMES)
    assert new.clock.now == 0, "nothing is awaited"
    new.requests.clear()
    run(new, bundle("one"), flows=FLOWS)
    with_flows, new.requests = len(new.requests), []
    run(new, bundle("one"))
    assert with_flows == len(new.requests)


def test_a_collector_that_stays_the_same_orders_nothing() -> None:
    api = cluster(bundle("one"))
    after = [*bundle("two", "a"), *bundle("one", "b")[1:], *bundle("bad", "c")[1:]]
    with pytest.raises(Failure):
        run(api, after, flows=FLOWS)
    assert [api.image(name=name) for name in NAMES] == ["two", "one", "one"]


def test_a_circle_changes_together() -> None:
    circle = [*FLOWS, {"sender": "ns/c", "receiver": "ns/a"}]
    order, result = changed(bundle("two"), flows=circle)
    assert sorted(order) == list(NAMES)
    assert set(actions(result).values()) <= {"changed", "created", "unchanged", "pruned"}


@pytest.mark.parametrize(
    ("back", "steps"),
    [(("ns/c", "ns/b"), ["bc", "a"]), (("ns/b", "ns/a"), ["c", "ab"]), (("ns/a", "ns/a"), ["c", "b", "a"])],
    ids=["a sender before a circle", "a receiver behind a circle", "a collector that sends to itself"],
)
def test_only_the_collectors_on_a_circle_change_together(back: tuple[str, str], steps: list[str]) -> None:
    manifests = bundle("two")
    live = {ref(item): item for item in bundle("one")}
    flows = [Flow(**one) for one in FLOWS]
    found, warnings = order_apply_steps(manifests, live, [*flows, Flow(*back)], "manager")
    assert [step.ordered_collectors for step in found] == [[f"ns/{name}" for name in step] for step in steps]
    assert warnings == []


def test_check_mode_shows_all_and_waits_for_nothing() -> None:
    api = cluster(bundle("one"))
    before = copy.deepcopy(api.objects)
    result = run(api, bundle("bad"), flows=FLOWS, check=True)
    assert [actions(result)[f"Deployment {name}"] for name in NAMES] == ["changed"] * 3
    assert (api.objects, api.clock.now) == (before, 0)


def test_an_account_that_others_use_comes_first() -> None:
    account = obj("ServiceAccount", "shared", labels=labels("a"))
    api = cluster(bundle("one"))
    run(api, [*bundle("two"), account], flows=FLOWS)
    sent = [path for method, path, query in api.requests if method == "PATCH" and "dryRun" not in query]
    assert sent.index("/api/v1/namespaces/ns/serviceaccounts/shared") < sent.index(
        "/apis/apps/v1/namespaces/ns/deployments/c"
    )
