# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An undefined variable in what a user gives is an error, never a default: a typo must not lead to another cluster."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.release import __version__
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.contract.role import ROOT
from tests.support import plays

SPECS = {
    path.parent.parent.name: _documents.read_yaml(path)["argument_specs"]["main"]["options"]
    for path in ROOT.glob("roles/*/meta/argument_specs.yml")
}
OPTIONS = {name: option for options in SPECS.values() for name, option in options.items()}
DEFAULTS = {
    name: value
    for role in SPECS
    for name, value in _documents.read_yaml(ROOT / "roles" / role / "defaults" / "main.yml").items()
}
# Another variable is named only where it is given: before ansible-core 2.19, a lookup with `default` hides what is
# undefined inside that variable.
ELSEWHERE = re.compile(
    r"\{\{ (?:(?P<vars>\w+) if query\('ansible\.builtin\.varnames', '\^(?P=vars)\$'\) else (?P<other>'\w*'|\[\]|\{\})"
    r"|lookup\('ansible\.builtin\.env', '(?P<env>\w+)'\)) \}\}"
)
DERIVED = {name: match for name, value in DEFAULTS.items() if (match := ELSEWHERE.fullmatch(str(value)))}
USERS = {*OPTIONS, *(match["vars"] for match in DERIVED.values() if match["vars"])}
FILES = sorted([*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/[dtv]*/*.yml"), *ROOT.glob("roles/*/meta/*.yml")])


def test_defaults_are_those_of_the_interface_or_another_variable_that_is_looked_up() -> None:
    given = {name: option["default"] for name, option in OPTIONS.items() if "default" in option}
    assert set(given) == set(DEFAULTS)
    assert {name for name, value in DEFAULTS.items() if given[name] != value} == set(DERIVED)


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_a_default_from_elsewhere_is_documented_by_its_name(name: str) -> None:
    variable, other, environment = DERIVED[name].group("vars", "other", "env")
    said = f"Defaults to the value of {f'C({variable})' if variable else f'E({environment})'}."
    assert OPTIONS[name]["description"].endswith(said)
    assert OPTIONS[name]["default"] == yaml.safe_load(other or "''")


def test_interfaces_have_no_templates() -> None:
    """Tools that document roles read the literal."""
    assert [name for name, option in OPTIONS.items() if "{{" in json.dumps(option.get("default"))] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_lookup_has_a_default(path: Path) -> None:
    assert not re.search(r"lookup\('ansible\.builtin\.vars', '\w+', default=", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_default_hides_what_is_undefined_in_a_users_variable(path: Path) -> None:
    """The filter `default` sees no difference between a variable that nobody gives and one with a typo in it.

    An input without a default is passed on with `default(omit)`; the interface of the role has read it before.
    """
    optional = {name for name, option in OPTIONS.items() if "default" not in option}
    found = re.findall(r"\b(\w+) \| (?:default|d)\(([^)]*)\)", path.read_text(encoding="utf-8"))
    hidden = [name for name, value in found if name in USERS and not (name in optional and value == "omit")]
    assert hidden == []


# Inputs of playbooks alone that decide where a run goes, or what it does.
PLAYBOOK_INPUTS = {"otel_hosts", "diagnose_collectors", "pipeline_validate_paths"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_hides_what_is_undefined_in_a_users_variable(path: Path) -> None:
    """The tests `defined` and `undefined` see no difference between an absent variable and one with a typo in it."""
    text = path.read_text(encoding="utf-8")
    tested = re.findall(r"\b(\w+) is (?:not )?(?:un)?defined\b", text)
    filtered = re.findall(r"\b(\w+) \| (?:default|d)\(", text)
    assert [name for name in tested if name in USERS | PLAYBOOK_INPUTS] == []
    assert [name for name in filtered if name in PLAYBOOK_INPUTS] == []


def run(tmp_path: Path, play: str | list[dict[str, Any]], variables: dict[str, Any], *more: str) -> str:
    """Run a playbook of the collection, or a play, which fails; return its output."""
    done = plays.run(tmp_path, play, {"cluster": variables}, *more)
    assert done.returncode != 0, done.stdout
    return " ".join((done.stdout + done.stderr).replace("''", "'").split())  # as YAML quotes and wraps it


def of_a_user(role: str, **more: Any) -> list[dict[str, Any]]:
    """Return a play of a user's own with a role."""
    python = {"ansible_python_interpreter": sys.executable}
    roles = [f"o11y.opentelemetry.{role}"]
    return [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": python, "roles": roles, **more}]


COLLECTOR = {"otel_collectors": [{"recipes": ["otlp_ingest", "debug_output"]}]}
SITE = {**COLLECTOR, "cert_manager_provider": "existing"}
TYPO = "{{ the_contxt }}"
# ansible-core 2.18 ends such a run too, but does not always name the variable.
NAMED = "'the_contxt' is undefined" if tuple(map(int, __version__.split(".")[:2])) >= (2, 19) else "ndefined"
# There is no cluster here, and the first task would end the run.
NO_CHECK = ["--skip-tags", "otel_target"]


# A host each, in one run.
TARGETS: dict[str, dict[str, Any]] = {
    "kubeconfig": {"otel_collector_kubeconfig": "{{ the_kubeconfg }}"},
    "context": {"otel_collector_kube_context": "{{ the_contxt }}"},
    "eks": {"otel_collector_eks_cluster": {"name": "{{ the_clster }}", "region": "eu-west-1"}},
}
ELSEWHERE_GIVEN: dict[str, dict[str, Any]] = {
    "registry": {**SITE, "otel_image_registry": "{{ the_registri }}"},
    "identity": {**COLLECTOR, "otel_identity_annotations": {"a/b": "{{ the_annotatons }}"}},
}


@pytest.mark.parametrize(
    ("given", "more"),
    [({host: {**SITE, **given} for host, given in TARGETS.items()}, []), (ELSEWHERE_GIVEN, NO_CHECK)],
    ids=["target", "elsewhere"],
)
def test_site_names_what_is_undefined(tmp_path: Path, given: dict[str, dict[str, Any]], more: list[str]) -> None:
    done = plays.run(tmp_path, "playbooks/site.yml", given, *more)
    output = " ".join((done.stdout + done.stderr).replace("''", "'").split())
    for host, variables in given.items():
        assert re.search(rf"^{host} +: .*\bfailed=1\b", done.stdout, re.MULTILINE), output
        (typo,) = re.findall(r"\{\{ (\w+) }}", json.dumps(variables))
        assert NAMED.replace("the_contxt", typo) in output
    assert "/nonexistent/current" not in output


@pytest.mark.parametrize(
    ("play", "variables"),
    [
        (of_a_user("cert_manager"), {}),
        ("playbooks/diagnose.yml", COLLECTOR),
        ("playbooks/diagnose.yml", {"diagnose_collectors": [{"name": "a", "namespace": "b", "kind": "Deployment"}]}),
        ("playbooks/report.yml", COLLECTOR),
    ],
    ids=["cert_manager", "diagnose", "diagnose-others", "report"],
)
def test_a_context_with_a_typo_never_means_the_current_one(
    tmp_path: Path, play: str | list[dict[str, Any]], variables: dict[str, Any]
) -> None:
    output = run(tmp_path, play, {**variables, "otel_collector_kube_context": TYPO})
    assert NAMED in output
    assert "/nonexistent/current" not in output


@pytest.mark.parametrize(
    ("playbook", "variables"),
    [
        ("site", {"otel_operator_provider": TYPO}),
        ("remove", {"otel_instrumentations": TYPO}),
        ("report", {"otel_identity_provider": TYPO}),
        ("mirror", {"otel_instrumentations": TYPO}),
        *((name, {"otel_lock_file": TYPO}) for name in ("lock", "mirror", "render", "site")),
        ("diagnose", {"otel_collectors": TYPO, "diagnose_collectors": []}),
        ("diagnose", {"diagnose_collectors": TYPO}),
        ("preflight", {"pipeline_validate_paths": TYPO}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_part_whose_input_has_a_typo_is_not_left_out(
    tmp_path: Path, playbook: str, variables: dict[str, Any]
) -> None:
    (tmp_path / "given.json").write_text(json.dumps({**COLLECTOR, **variables}), encoding="utf-8")
    output = run(tmp_path, f"playbooks/{playbook}.yml", {}, "-e", f"@{tmp_path}/given.json", *NO_CHECK)
    assert NAMED in output


def test_hosts_with_a_typo_are_not_all_hosts(tmp_path: Path) -> None:
    output = run(tmp_path, "playbooks/remove.yml", COLLECTOR, "-e", json.dumps({"otel_hosts": TYPO}))
    assert NAMED in output
    assert "TASK [" not in output


def test_imported_playbooks_run_on_the_given_hosts(tmp_path: Path) -> None:
    imported = {"import_playbook": f"{ROOT}/playbooks/render.yml", "vars": {"otel_hosts": "nobody"}}
    end = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.fail": {"msg": "the end"}}]}
    output = run(tmp_path, [imported, end], COLLECTOR)
    assert "Could not match supplied host pattern, ignoring: nobody" in output
    assert output.count("TASK [") == 1


THEIRS = {"group/o11y.opentelemetry.kubernetes": {"kubeconfig": "/nonexistent/theirs"}}


@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({}, "/nonexistent/theirs"),
        ({"otel_collector_kubeconfig": "/nonexistent/shared"}, "/nonexistent/shared"),
        ({"cert_manager_kubeconfig": "/nonexistent/roles"}, "/nonexistent/roles"),
    ],
)
def test_module_defaults_of_the_user_hold_where_the_role_is_given_nothing(
    tmp_path: Path, variables: dict[str, Any], used: str
) -> None:
    assert f"(at {used})" in run(tmp_path, of_a_user("cert_manager", module_defaults=THEIRS), variables)
