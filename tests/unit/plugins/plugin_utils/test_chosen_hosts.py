# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _chosen_hosts

EMPTY = (",", "", " , ", " ", ":", [], [""], [",", " "])
NAMED = ("eu", "all", "all:!eu", "!eu", "eu,", ",eu", ["eu", ""], "no_such_host", "~e.", 5)
REMOVES = {"__otel_removes": True}


def same(value: Any) -> Any:
    return value


@pytest.mark.parametrize("given", [*EMPTY, None], ids=repr)
def test_a_removal_with_an_empty_pattern_is_refused(given: Any) -> None:
    with pytest.raises(Problem, match="otel_hosts names no host"):
        _chosen_hosts.check_removal_hosts({**REMOVES, "otel_hosts": given}, same)


@pytest.mark.parametrize("given", EMPTY, ids=repr)
def test_ansible_takes_each_of_them_for_all_hosts(given: Any) -> None:
    manager = InventoryManager(DataLoader(), parse=False)
    for host in ("eu", "us"):
        manager.add_host(host, group="all")
    patterns = given if isinstance(given, list) else [given]
    assert [host.name for host in manager.get_hosts([*patterns, "!no_such_group"])] == ["eu", "us"]


@pytest.mark.parametrize("given", NAMED, ids=repr)
def test_a_removal_with_a_pattern_goes_on(given: Any) -> None:
    _chosen_hosts.check_removal_hosts({**REMOVES, "otel_hosts": given}, same)


def test_a_removal_without_the_variable_is_one_of_all_hosts() -> None:
    _chosen_hosts.check_removal_hosts(REMOVES, same)


@pytest.mark.parametrize("role", ["otel_collector", "otel_host", "cert_manager", "otel_sample_app"])
def test_the_state_absent_of_a_role_removes_and_the_others_do_not(role: str) -> None:
    def template(value: Any) -> Any:
        return {"{{ wanted }}": "absent"}.get(value, value)

    _chosen_hosts.check_removal_hosts({f"{role}_state": "present", "otel_hosts": ","}, template)
    for state in ("absent", "{{ wanted }}"):
        with pytest.raises(Problem, match="otel_hosts names no host"):
            _chosen_hosts.check_removal_hosts({f"{role}_state": state, "otel_hosts": ","}, template)


def test_a_limit_names_hosts_too() -> None:
    _chosen_hosts.check_removal_hosts({**REMOVES, "otel_hosts": ",", "ansible_limit": "eu"}, same)


def test_a_state_that_cannot_be_rendered_is_left_to_its_role() -> None:
    def template(value: Any) -> Any:
        if value == "{{ unknown }}":
            raise AnsibleError("'unknown' is undefined")
        return value

    states = {"otel_sample_app_state": "{{ unknown }}", "otel_hosts": ","}
    _chosen_hosts.check_removal_hosts(states, template)
    with pytest.raises(Problem, match="otel_hosts names no host"):
        _chosen_hosts.check_removal_hosts({**states, "otel_collector_state": "absent"}, template)


def test_a_run_without_the_variable_renders_no_state() -> None:
    _chosen_hosts.check_removal_hosts(
        {"otel_collector_state": "{{ unknown }}"}, lambda _value: pytest.fail("it renders")
    )
