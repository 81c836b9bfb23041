# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow that awx/configure.yml makes of waves: its nodes, its links, and what becomes of waves that change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.test_awx import DATA
from tests.support.awx import APPROVALS, NODES, Store, serve_awx

from .test_awx_configure import changes_nothing, configure

STAGING, EU = {"name": "staging", "members": ["staging"]}, {"name": "eu", "approval": False}
PRODUCTION = {"name": "production", "members": ["all:!staging"], "approval": True}
WORKFLOW = DATA["awx_wave_workflow"]["name"]
TASK = "Write the workflow of the waves"


@dataclass(frozen=True)
class Fleet:
    """An AWX with the job templates of awx/, which tests/integration/test_awx_configure.py writes."""

    host: str
    store: Store

    def configure(self, *waves: dict[str, Any]) -> bool:
        """Write the workflow of waves; return whether that changed something."""
        made = len(self.store.writes)
        output = configure(self.host, "-e", json.dumps({"awx_waves": waves}), "--start-at-task", TASK)
        assert bool(self.store.writes[made:]) != changes_nothing(output), output
        return not changes_nothing(output)


def nodes(store: Store) -> dict[str, dict[str, Any]]:
    """Return the nodes of the workflow by their identifiers."""
    (workflow,) = store.find_objects("workflow_job_templates", {"name": WORKFLOW})
    return {
        node["identifier"]: node for node in store.find_objects(NODES, {"workflow_job_template": str(workflow["id"])})
    }


def order(store: Store) -> list[str]:
    """Return the identifiers of all nodes in the order in which AWX runs them if each one passes."""
    name_of = {node["id"]: name for name, node in nodes(store).items()}
    later = {number for node in name_of for number in store.list_nodes_after(node)}
    (current,) = name_of.keys() - later
    passed = [name_of[current]]
    while store.list_nodes_after(current):
        (current,) = store.list_nodes_after(current)
        passed.append(name_of[current])
    assert sorted(passed) == sorted(name_of.values())
    return passed


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with serve_awx() as (host, store):
        organization = store.add("organizations", {"name": "Ours"})["id"]
        for template in DATA["controller_templates"]:
            store.add("job_templates", {**template, "organization": organization})
        yield Fleet(host, store)


def test_each_wave_is_a_job_and_a_person_is_asked_before_those_that_need_it(fleet: Fleet) -> None:
    assert fleet.configure(STAGING, EU, PRODUCTION)
    assert not fleet.configure(STAGING, EU, PRODUCTION)
    store = fleet.store
    assert order(store) == ["staging: wave", "eu: wave", "production: approval", "production: wave"]
    (template,) = store.find_objects("job_templates", {"name": DATA["awx_wave_job_template"]})
    for name in ("staging", "eu", "production"):
        node = nodes(store)[f"{name}: wave"]
        assert node["unified_job_template"] == template["id"]
        assert node["extra_data"] == {"otel_wave_until": name, "otel_wave_approved": ["production"]}
    asked = nodes(store)["production: approval"]["unified_job_template"]
    assert [(item["id"], item["name"]) for item in store.find_objects(APPROVALS, {})] == [
        (asked, "Begin wave production")
    ]
    # A failed node without links for failures fails the workflow: has_workflow_failed of AWX's dag_workflow.py.
    made = {name: node["id"] for name, node in nodes(store).items()}
    for link in ("failure_nodes", "always_nodes"):
        store.linked_nodes[f"{NODES}/{made['production: approval']}/{link}"] = [made["production: wave"]]
    assert fleet.configure(STAGING, EU, PRODUCTION)
    for number in made.values():
        assert store.list_nodes_after(number, "failure_nodes") == store.list_nodes_after(number, "always_nodes") == []


CHANGED = {
    "another order": (
        [PRODUCTION, EU, STAGING],
        ["production: approval", "production: wave", "eu: wave", "staging: wave"],
    ),
    "one less": ([STAGING, PRODUCTION], ["staging: wave", "production: approval", "production: wave"]),
    "other approvals": (
        [{**STAGING, "approval": True}, EU, {**PRODUCTION, "approval": False}],
        ["staging: approval", "staging: wave", "eu: wave", "production: wave"],
    ),
    "other names": ([{"name": "wave-1"}, {"name": "wave-2"}], ["wave-1: wave", "wave-2: wave"]),
}


def test_a_list_that_changes_changes_nodes_and_links(fleet: Fleet) -> None:
    """Each list follows the one before, as a run follows another."""
    fleet.configure(STAGING, EU, PRODUCTION)
    for what, (changed, left) in CHANGED.items():
        assert fleet.configure(*changed), what
        assert order(fleet.store) == left, what


def test_nodes_of_others_stay_and_so_does_the_workflow_without_waves(fleet: Fleet) -> None:
    store = fleet.store
    assert not fleet.configure()
    assert store.find_objects("workflow_job_templates", {}) == [], "without waves there is none"
    fleet.configure(STAGING, EU)
    (workflow,) = store.find_objects("workflow_job_templates", {"name": WORKFLOW})
    store.add(NODES, {"identifier": "eu: tell the team", "workflow_job_template": workflow["id"]})
    store.add(NODES, {"identifier": "old: wave", "workflow_job_template": workflow["id"] + 1000})
    fleet.configure(STAGING)
    assert nodes(store).keys() == {"staging: wave", "eu: tell the team"}
    assert "old: wave" in {node["identifier"] for node in store.find_objects(NODES, {})}
    assert not fleet.configure()
    assert nodes(store).keys() == {"staging: wave", "eu: tell the team"}
