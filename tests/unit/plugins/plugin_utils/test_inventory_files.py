# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are checked are those that Ansible itself reads, no more and no fewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inventory_files

HOSTS = "all: {hosts: {a: }, children: {web: {hosts: {b: }}}}\n"
OTHER_HOSTS = "web: {hosts: {c: }}\n"
EMPTY = "{}\n"
# Read as sources of an inventory folder.
SOURCES = {"hosts.yml": HOSTS, "sub/more.yaml": OTHER_HOSTS, "sub/deep/more.json": '{"web": {"hosts": {"d": {}}}}'}
# Read as variables.
VARIABLES = (
    *("group_vars/all", "group_vars/web.yml", "host_vars/a.yaml", "host_vars/b/one", "host_vars/b/two.yml"),
    *("host_vars/b/deep/three.json", "host_vars/d.json"),
)
# Read by nothing.
LEFT_ALONE = (
    *(".pre-commit-config.yaml", ".sub/hosts.yml", "hosts.yml~", "old.yml.bak", "README.md", "vars_plugins/x.yml"),
    *(
        "group_vars/README",
        "group_vars/web.yml~",
        "group_vars/webb.yml",
        "group_vars/.hidden.yml",
        "group_vars/notes.txt",
    ),
    *("host_vars/b/.hidden", "host_vars/b/x~", "host_vars/b/notes.txt", "host_vars/b/folder.d/x.yml"),
    *("host_vars/a.json", "host_vars/d/x.txt", "sub/group_vars/all.yml", "sub/host_vars/a.yml"),
)


def written(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)


def whole_inventory(folder: Path) -> None:
    written(folder, SOURCES)
    written(folder, dict.fromkeys(VARIABLES, EMPTY))
    written(folder, dict.fromkeys(LEFT_ALONE, "a: 1\na: 2\n"))
    (folder / "host_vars/d/x.txt").unlink()
    (folder / "host_vars/d").rmdir()


def variables_of(source: Path) -> dict[str, Any]:
    """Return the variables of a task that Ansible has after it has read an inventory."""
    manager = InventoryManager(DataLoader(), sources=[str(source)])
    groups = {name: [host.name for host in group.get_hosts()] for name, group in manager.groups.items()}
    return {"ansible_inventory_sources": [str(source)], "groups": groups, "ansible_play_hosts_all": groups["all"]}


def test_all_files_that_ansible_reads_are_checked_and_no_others(tmp_path: Path) -> None:
    whole_inventory(tmp_path)
    variables = variables_of(tmp_path)
    assert set(variables["groups"]["all"]) == {"a", "b", "c", "d"}
    found = {str(path.relative_to(tmp_path)) for path in _inventory_files.find_inventory_files(variables)}
    assert found == {*SOURCES, *VARIABLES}
    _inventory_files.check_inventory_files(variables)


def test_ansible_finds_the_same_files_of_variables(tmp_path: Path) -> None:
    whole_inventory(tmp_path)
    loader = DataLoader()
    names = {"group_vars": ["all", "ungrouped", "web"], "host_vars": ["a", "b", "c", "d"]}
    found: set[str] = set()
    for folder, of_folder in names.items():
        for name in of_folder:
            found.update(map(str, loader.find_vars_files(str(tmp_path / folder), name)))
    assert found == {str(tmp_path / name) for name in VARIABLES}


@pytest.mark.parametrize("name", [*SOURCES, *VARIABLES])
def test_a_key_that_stands_twice_is_found_in_each_file_that_ansible_reads(tmp_path: Path, name: str) -> None:
    whole_inventory(tmp_path)
    variables = variables_of(tmp_path)
    written(tmp_path, {name: '{"a": 1, "a": 2}\n'})
    with pytest.raises(Problem, match=rf"key 'a' stands twice.*{name}"):
        _inventory_files.check_inventory_files(variables)


def test_a_path_with_a_comma_is_a_file_and_a_list_of_hosts_is_none(tmp_path: Path) -> None:
    source = tmp_path / "a,b" / "hosts.yml"
    written(source.parent, {"hosts.yml": HOSTS})
    assert list(_inventory_files.find_inventory_files(variables_of(source))) == [source]
    hosts = ",".join(f"host-{number}" for number in range(2_000))
    assert not list(_inventory_files.find_inventory_files({"ansible_inventory_sources": [hosts]}))
