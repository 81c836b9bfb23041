# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles in a play of a user's own: hosts that SSH would reach, several hosts, and names with a typo."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _shape_checks
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.support import plays
from tests.support.plays import ROOT

# TEST-NET-3: nothing answers there, and no test may try.
REMOTE = {"ansible_host": "203.0.113.1", "ansible_connection": "ssh", "ansible_become": True}
COLLECTOR = {"otel_collectors": [{"recipes": ["otlp_ingest", "debug_output"]}]}
AGENT = {**COLLECTOR["otel_collectors"][0], "name": "agent", "program": {"path": "/usr/bin/otelcol"}}
# What each role and playbook with an output folder renders.
LISTED = {
    **COLLECTOR,
    "otel_instrumentations": [{"name": "a", "endpoint": "http://a:4318", "languages": {"java": {}}}],
    "otel_host_collectors": [AGENT],
}


def rendered(folder: Path, hosts: dict[str, dict[str, Any]], **variables: Any) -> Any:
    """Run role otel_collector without a cluster in a play that says nothing about connections."""
    values = {"otel_collector_state": "rendered", "otel_collector_output_path": str(folder / "out"), **variables}
    role = {"role": "o11y.opentelemetry.otel_collector", "vars": values}
    return plays.run(folder, [{"hosts": "all", "gather_facts": False, "roles": [role]}], hosts)


def test_roles_run_on_the_controller_and_hosts_have_files_of_their_own(tmp_path: Path) -> None:
    named = {"otel_collectors": [{**COLLECTOR["otel_collectors"][0], "name": "other"}]}
    done = rendered(tmp_path, {"one": {**REMOTE, **COLLECTOR}, "two": {**REMOTE, **named}})
    assert done.returncode == 0, done.stdout
    files = sorted(tmp_path.glob("out/*/manifests.yml"))
    assert [file.parent.name for file in files] == ["one", "two"]
    names = [
        {item["metadata"]["name"] for item in yaml.safe_load_all(file.read_text()) if item["kind"] == "Deployment"}
        for file in files
    ]
    assert names == [{"otel-collector"}, {"other"}]


def test_the_state_may_be_that_of_a_variable_of_the_host(tmp_path: Path) -> None:
    """ansible-core 2.18 reads the names of included files without a host, where they have static imports."""
    done = rendered(tmp_path, {"one": {**COLLECTOR, "wanted": "rendered"}}, otel_collector_state="{{ wanted }}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.parent.name for file in tmp_path.glob("out/*/manifests.yml")] == ["one"]


def test_the_rules_and_dashboards_are_files_too(tmp_path: Path) -> None:
    watched = {"otel_collector_monitoring": {"scrape": "annotations", "alerts": "config_map", "dashboard": True}}
    done = rendered(tmp_path, {"one": {**COLLECTOR, **watched}, "two": COLLECTOR})
    assert done.returncode == 0, done.stdout
    found = sorted(file.name for file in tmp_path.glob("out/one/monitoring/*"))
    ours = "opentelemetry.otel-collector"
    assert found == ["collectors.json", f"{ours}.json", f"{ours}.rules.yml"]
    rules = yaml.safe_load((tmp_path / "out/one/monitoring" / f"{ours}.rules.yml").read_text())
    assert rules["groups"][0]["rules"]
    assert not (tmp_path / "out/two/monitoring").exists()


NEAR = {
    "otel_collector_replica": "otel_collector_replicas",
    "otel_collector_memory_limits": "otel_collector_memory_limit",
}


def test_misspelled_options_of_a_role_are_warnings(tmp_path: Path) -> None:
    done = rendered(tmp_path, {"one": {**COLLECTOR, **dict.fromkeys(NEAR, 3), "otel_collector_owned_by": "team-a"}})
    assert done.returncode == 0, done.stdout
    warnings = " ".join((done.stdout + done.stderr).split())
    for name, near in NEAR.items():
        assert f"{name} is no option of role otel_collector and has no effect; did you mean {near}?" in warnings
    assert "owned_by" not in warnings


def test_variables_are_the_defaults_of_every_collector_and_omit_leaves_them_out(tmp_path: Path) -> None:
    """On the host or the role, as templates, inside a mapping, or without a default in the role."""
    nothing = "{{ nobody_set_this | default(omit) }}"
    host = {**COLLECTOR, "team": "a", "otel_collector_pod_labels": {"team": "{{ team }}", "none": nothing}}
    host |= {"otel_collector_replicas": "{{ 1 + 1 }}", "otel_collector_memory_limit": nothing}
    done = rendered(tmp_path, {"one": host}, otel_collector_host_ports="{{ team == 'a' }}")
    assert done.returncode == 0, done.stdout
    objects = yaml.safe_load_all((tmp_path / "out" / "one" / "manifests.yml").read_text())
    (found,) = (item["spec"] for item in objects if item["kind"] == "Deployment")
    (container,) = found["template"]["spec"]["containers"]
    assert found["replicas"] == 2
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    assert all(port.get("hostPort") for port in container["ports"] if port["name"].startswith("otlp"))
    labels = found["template"]["metadata"]["labels"]
    assert (labels["team"], "none" in labels) == ("a", False)


def test_null_in_a_variable_deletes_what_a_recipe_brings(tmp_path: Path) -> None:
    pipelines = {signal: {"exporters": ["nop"]} for signal in ("traces", "metrics", "logs")}
    config = {"exporters": {"debug": None, "nop": {}}, "service": {"pipelines": pipelines}}
    done = rendered(tmp_path, {"one": {**COLLECTOR, "otel_collector_config": config}})
    assert done.returncode == 0, done.stdout
    objects = yaml.safe_load_all((tmp_path / "out" / "one" / "manifests.yml").read_text())
    (data,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert [set(yaml.safe_load(text)["exporters"]) for text in data.values()] == [{"nop"}]


def test_a_host_without_collectors_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    done = rendered(tmp_path, {"one": {"other_collectors": []}})
    assert done.returncode != 0
    assert "the inventory names no collector for this host. Set `otel_collectors`" in done.stdout + done.stderr


def test_strategies_imports_loops_and_defaults_of_modules_give_the_same_objects(tmp_path: Path) -> None:
    role, out = "o11y.opentelemetry.otel_collector", tmp_path / "out"

    def values(way: str) -> dict[str, Any]:
        return {"otel_collector_state": "rendered", "otel_collector_output_path": str(out / way)}

    def play(hosts: str, **more: Any) -> dict[str, Any]:
        return {"hosts": hosts, "gather_facts": False, **more}

    defaults = {"group/o11y.opentelemetry.kubernetes": {"context": "other"}}
    include = {"name": role, "apply": {"delegate_to": "localhost"}}
    looped = {"ansible.builtin.include_role": {"name": role}, "loop": ["looped"], "vars": {**values("{{ item }}")}}
    done = plays.run(
        tmp_path,
        [
            play("all", strategy="free", vars=values("free"), roles=[role], module_defaults=defaults),
            play("all", serial=1, tasks=[{"ansible.builtin.import_role": {"name": role}, "vars": values("imported")}]),
            play("all", tasks=[{"ansible.builtin.include_role": include, "vars": values("delegated")}]),
            play("localhost", vars=COLLECTOR, tasks=[looped]),
        ],
        {"one": {**REMOTE, **COLLECTOR}, "two": {**REMOTE, **COLLECTOR}},
    )
    assert done.returncode == 0, done.stdout
    files = {str(file.parent.relative_to(out)): file.read_text() for file in out.glob("*/*/manifests.yml")}
    both = {f"{way}/{host}" for way in ("free", "imported", "delegated") for host in ("one", "two")}
    assert set(files) == {*both, "looped/localhost"}
    assert len(set(files.values())) == 1


OUTPUTS = {
    "roles/otel_collector/tasks/rendered.yml": ("render", "otel_collector_output_path"),
    "roles/otel_host/tasks/rendered.yml": ("otel_host", "otel_host_output_path"),
    "roles/otel_instrumentation/tasks/rendered.yml": ("otel_instrumentation", "otel_instrumentation_output_path"),
    "playbooks/tasks/rights_file.yml": ("rights", "otel_rights_path"),
}


def test_every_file_whose_folder_has_the_name_of_the_host_is_below() -> None:
    tasks = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    found = {str(path.relative_to(ROOT)) for path in tasks if "/{{ inventory_hostname }}" in path.read_text()}
    assert found == set(OUTPUTS)


@pytest.mark.parametrize(("name", "option"), OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("host", ["../x", "..", "a/../../x"])
def test_a_host_writes_nothing_beside_its_folder(tmp_path: Path, host: str, name: str, option: str) -> None:
    play: Any = f"playbooks/{name}.yml"
    if not (ROOT / play).exists():
        role = {"role": f"o11y.opentelemetry.{name}", "vars": {f"{name}_state": "rendered"}}
        play = [{"hosts": "all", "gather_facts": False, "roles": [role]}]
    out = tmp_path / "outer" / "out"
    variables = {**LISTED, option: str(out)}
    done = plays.run(tmp_path, play, {host: {**variables, "ansible_connection": "local"}})
    assert done.returncode == 2
    said = " ".join((done.stdout + done.stderr).split())
    assert f"of host {host}: its name would lead out of the folder {out}. Rename the host" in said
    assert not (tmp_path / "outer").exists()


@pytest.mark.parametrize(("name", "option"), OUTPUTS.values(), ids=OUTPUTS)
def test_a_relative_folder_is_one_of_the_current_folder(tmp_path: Path, name: str, option: str) -> None:
    play = ROOT / "playbooks" / f"{name}.yml"
    if not play.exists():
        role = {"role": f"o11y.opentelemetry.{name}", "vars": {f"{name}_state": "rendered"}}
        play = tmp_path / "elsewhere" / "play.json"
        play.parent.mkdir()
        play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [role]}]))
    here = tmp_path / "here"
    here.mkdir()
    values = {**LISTED, "ansible_connection": "local", option: "my out"}
    (here / "inventory.json").write_text(json.dumps({"all": {"hosts": {"one": values}}}))
    done = plays.run_playbook("-i", "inventory.json", str(play), cwd=here, ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"))
    assert done.returncode == 0, done.stdout
    assert sorted(path.name for path in tmp_path.rglob("one")) == ["one"]
    assert list((here / "my out" / "one").rglob("*.y*ml"))


ROLES = sorted(path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_no_option_of_a_role_becomes_text_of_another_shape(role: str) -> None:
    spec = _documents.read_yaml(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    texts = [name for name, option in spec.items() if option.get("type", "str") in ("str", "path")]
    lists = [name for name, option in spec.items() if option.get("elements") in ("str", "path")]
    for values in [{name: {"a": 1}} for name in texts] + [{name: [{"a": 1}]} for name in lists]:
        with pytest.raises(Problem, match=f"of role {role} must be text, not a mapping"):
            _shape_checks.check_shapes(values, spec, f"role {role}")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_runs_an_action_that_checks_its_options(role: str) -> None:
    tasks = "".join(path.read_text() for path in ROOT.glob(f"roles/{role}/tasks/*.yml"))
    actions = [path for path in ROOT.glob("plugins/action/*.py") if "(ControllerAction)" in path.read_text()]
    assert [path.stem for path in actions if f"o11y.opentelemetry.{path.stem}:" in tasks]


@pytest.mark.parametrize(
    ("name", "value"),
    [("image_pull_secrets", [{"name": "x"}]), ("kube_context", "{{ {'token': 'hunter2'} }}"), ("version", 0.160)],
)
def test_a_variable_of_a_wrong_shape_is_named_without_its_value(tmp_path: Path, name: str, value: Any) -> None:
    done = rendered(tmp_path, {"one": COLLECTOR}, **{f"otel_collector_{name}": value})
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert f"option 'otel_collector_{name}" in said and "of role otel_collector must be text" in said
    assert "hunter2" not in said


def test_a_role_that_fails_on_one_host_ends_the_run_on_no_other(tmp_path: Path) -> None:
    """A condition of the `meta` task that ends the role would end the run, where a task fails for its host alone."""
    after = {"ansible.builtin.debug": {"msg": "the tasks after it run on {{ inventory_hostname }}"}}
    tasks = [{"ansible.builtin.import_role": {"name": "o11y.opentelemetry.otel_collector"}}, after]
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    wrong = {"otel_collectors": [{"name": "gateway", "recipes": ["otlp_ingets"]}]}
    done = plays.run(tmp_path, [play], {"first": wrong, "second": wrong})
    reached_hosts = re.findall(r"the tasks after it run on (\w+)", done.stdout)
    assert sorted(reached_hosts) == ["first", "second"], done.stdout
