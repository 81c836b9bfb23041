# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inventory, _role_options

NEAR = {
    "otel_colector_namespace": "otel_collector_namespace",
    "otel_colectors": "otel_collectors",
    "otlel_collector_namespace": "otel_collector_namespace",
    "oetl_collector_config": "otel_collector_config",
    "otel_operater_provider": "otel_operator_provider",
    "certmanager_provider": "cert_manager_provider",
    "otel_collector_namespce": "otel_collector_namespace",
    "otel_collector_platfrom": "otel_collector_platform",
}
# Names of users, of other collections and of this one.
OWN = (
    *("otel_collector_namespaces", "otel_collector_node", "otel_collector_owned_by", "otel_gateway_namespace"),
    *("otel_collector_receivers", "otel_collector_exporters", "otel_collector_service", "otel_version", "otel"),
    *("otel_backend_token", "collector_namespace", "cert_manager_email", "otel_collector_rendered", "omit"),
    *("other_collectors", "hotel_collectors", "hotel_collector_namespace", "other_operator_version"),
    *("otel_exporter_otlp_endpoint", "otel_mirror_path", "otel_hosts", "opentelemetry_namespace"),
)


@pytest.mark.parametrize(("name", "meant"), NEAR.items())
def test_a_name_that_is_almost_one_of_the_collection_ends_the_run(name: str, meant: str) -> None:
    with pytest.raises(Problem, match=rf"variable {name} is read by nothing; did you mean {meant}\?"):
        _inventory.check_variable_names({name: "x"})


@pytest.mark.parametrize("name", OWN)
def test_other_names_are_those_of_users(name: str) -> None:
    _inventory.check_variable_names({name: "x"})


def test_no_name_of_the_collection_is_taken_for_another() -> None:
    _inventory.check_variable_names(
        dict.fromkeys(
            [name for role in _role_options.list_roles() for name in _role_options.read_all_role_options(role)]
        )
    )


def variables(source: Path, **more: Any) -> dict[str, Any]:
    groups = {"all": ["a", "b"]}
    names = {"inventory_hostname": "a", "ansible_play_hosts_all": ["a", "b"]}
    return {**names, "ansible_inventory_sources": [str(source)], "groups": groups, **more}


TWICE = "all:\n  hosts:\n    a:\n  hosts:\n    b:\n"
BROKEN = "all:\n  hosts:\n\ta:\n"


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("hosts.yml", TWICE, r"key 'hosts' stands twice.* \(at .*hosts.yml:4:3\)"),
        ("hosts.yml", BROKEN, r"this is not valid YAML: .*\(at .*hosts.yml:3:1\)"),
        ("group_vars/all.yml", "a: 1\na: 2\n", r"key 'a' stands twice.*all.yml:2:1"),
        ("group_vars/all/one", "a: 1\na: 2\n", r"key 'a' stands twice.*one:2:1"),
        ("host_vars/b.yml", "a: {x: 1, x: 2}\n", r"key 'x' stands twice.*b.yml:1:11"),
    ],
)
@pytest.mark.parametrize("given", ["hosts.yml", "."])
def test_files_that_ansible_reads_in_another_way(tmp_path: Path, file: str, text: str, wrong: str, given: str) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    a:\n")
    (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / file).write_text(text)
    with pytest.raises(Problem, match=wrong):
        _inventory.check_inventory(variables(tmp_path / given))
    _inventory.check_inventory(variables(tmp_path / given, inventory_hostname="b"))


def test_encrypted_values_and_files_programs_and_other_formats_are_left_to_ansible(tmp_path: Path) -> None:
    for name, text in (
        ("hosts.yml", "all:\n  vars:\n    a: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n    b: !unsafe '{{'\n"),
        ("hosts.ini", "[all]\na x=1\n"),
        ("program", "#!/bin/sh\n: {\n"),
        ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n00\n"),
        ("group_vars/.hidden.yml", "a: 1\na: 2\n"),
        ("group_vars/notes.txt", ":\n:"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    _inventory.check_inventory(variables(tmp_path), needs_hosts=True)


def test_an_inventory_without_hosts_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"the inventory names no host, so this run does nothing \(inventory: .*\)"):
        _inventory.check_inventory(variables(tmp_path / "no.yml", groups={"all": []}), needs_hosts=True)
    _inventory.check_inventory(variables(tmp_path / "no.yml", groups={"all": []}))
