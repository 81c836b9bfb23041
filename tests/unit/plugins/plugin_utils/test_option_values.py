# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of a collector, of clusters and of hosts, refuses values that are not of its type, by its path.

The actions that take collectors get each wrong value as Ansible reads it from a file of a user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.action import host_render, otel_render

from tests.support.actions import make_action

ROOT = Path(__file__).resolve().parents[4]
# The action that takes the collectors of each role.
ACTIONS = {"otel_collector": otel_render, "otel_host": host_render}
# How a message goes on behind `option 'PATH`.
A = "' of collector '(?:a|without a name)'"
# A value in YAML for each type of Ansible, and what is said of it.
WRONG = {
    "str": [("{a: 1}", f"{A} must be text, not a mapping"), ("[a]", f"{A} must be text, not a list")],
    "int": [
        ("[1]", f"{A} must be a number, not a list"),
        ("many", f"{A} must be a number, not 'many'"),
        ("-1", rf"{A} is -1\. Use 0 or a larger number"),
    ],
    "float": [("{a: 1}", f"{A} must be a number, not a mapping"), ("nan", rf"{A} is nan\. Use a number")],
    "bool": [
        ("[true]", f"{A} must be true or false, not a list"),
        ("maybe", f"{A} must be true or false, not '(?:maybe|[*]+)'"),
    ],
    "list": [("{}", f"{A} must be a list, not a mapping")],
    "dict": [("[a]", f"{A} must be a mapping, not a list"), ("3", f"{A} must be a mapping, not a number")],
    "raw": [],
}
WRONG_ELEMENTS = {
    "str": [("[{a: 1}]", rf"\[0\]{A} must be text, not a mapping")],
    "path": [("[[a]]", rf"\[0\]{A} must be text, not a list")],
    "dict": [("[3]", rf"\[0\]{A} must be a mapping, not a number")],
    "raw": [],
}
A_LINE_END = ('"a\\nb"', f"{A} has a line end or a hidden character")
NO_UNIT = ("30", rf"{A} is 30, a duration without a unit\. Write '30s'")
# What options hold beyond these types.
TEXTS = [
    ("{a: [1]}", rf"\.a{A} must be text, not a list"),
    ("{a: }", rf"\.a{A} must be text, not null"),
    ("{a: 1.10}", rf"\.a{A} must be text, and YAML reads it as the number 1\.1 .*Write '1\.10'"),
]
ANNOTATIONS = [*TEXTS, (f"{{a: {'x' * 300_000}}}", f"{A} has 292 KiB, and the annotations of an object hold 256 KiB")]
VARIABLES = [
    *TEXTS,
    ("{1A: x}", f"{A} has '1A', which is no name of an environment variable"),
    ("{A: {secret: 0123, key: a}}", rf"\.A\.secret{A} must be text, .* the number 83 .*Write '0123'"),
]
KUBERNETES = [
    ("{matchLabels: {a: yes}}", rf"\.matchLabels\.a{A} must be text, and YAML reads it as true .*Write 'yes'")
]
KUBERNETES_LIST = [("[{value: 0123}]", rf"\[0\]\.value{A} must be text, .* the number 83 .*Write '0123'")]
VERSION = [("1.5", rf"{A} .* as the number 1\.5\. Write it in quotes, as in `version: '1\.20'`")]
LINES = [('"a\\nb"', "")]
ANYTHING = [("{a: [1]}", "")]
# An empty text: nothing says that the value has a wrong type.
HELD = {
    "otel_collector": {
        "version": VERSION,
        "config": ANYTHING,
        "autoscaling.behavior": ANYTHING,
        "service_account_annotations": ANNOTATIONS,
        "labels": TEXTS,
        "annotations": ANNOTATIONS,
        "pod_labels": TEXTS,
        "pod_annotations": ANNOTATIONS,
        "env": VARIABLES,
        "volumes.source": KUBERNETES,
        "node_selector": TEXTS,
        "tolerations": KUBERNETES_LIST,
        "affinity": KUBERNETES,
        "topology_spread": KUBERNETES_LIST,
        "service.annotations": ANNOTATIONS,
        "service.node_ports": ANYTHING,
        "ingress.annotations": ANNOTATIONS,
        "openshift_route.annotations": ANNOTATIONS,
        "openshift_route.destination_ca": LINES,
        "service_monitor.labels": TEXTS,
        "monitoring.labels": TEXTS,
        "monitoring.dashboard_labels": TEXTS,
        "monitoring.series_labels": TEXTS,
        "monitoring.alert_labels": TEXTS,
        "monitoring.gpus.team_budgets_per_day": ANYTHING,
        "network_policy.ingress_from": KUBERNETES_LIST,
        "network_policy.egress": KUBERNETES_LIST,
        "update_strategy": ANYTHING,
        "target_allocator.node_selector": TEXTS,
        "target_allocator.tolerations": KUBERNETES_LIST,
        "target_allocator.affinity": KUBERNETES,
        "target_allocator.prometheus_cr.service_monitor_selector": KUBERNETES,
        "target_allocator.prometheus_cr.pod_monitor_selector": KUBERNETES,
        "target_allocator.prometheus_cr.scrape_config_selector": KUBERNETES,
        "target_allocator.prometheus_cr.probe_selector": KUBERNETES,
    },
    "otel_host": {
        "config": ANYTHING,
        "version": VERSION,
        "env": VARIABLES,
        "tls.ca": ANYTHING,
        "tls.certificate": ANYTHING,
        "tls.key": ANYTHING,
    },
}
DURATIONS = {
    "service_monitor.interval",
    "monitoring.interval",
    "target_allocator.prometheus_cr.scrape_interval",
}
TYPE_FAULT = re.compile("must be|has a line end|YAML reads it|which is no name")


class Option(NamedTuple):
    """A documented option of a collector of a role, at any depth."""

    role: str
    path: str
    documented: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.documented.get("type", "str")).replace("path", "str")


class Case(NamedTuple):
    """An option, a value for it in YAML, and the pattern of what is said; an empty one if the type is right."""

    option: Option
    value: str
    says: str


def _documented(role: str) -> Iterator[Option]:
    specification = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options = specification["argument_specs"]["main"]["options"]
    for name in ACTIONS[role].ActionModule.options():
        yield from _with_inner(Option(role, name, options[f"{role}_{name}"]))


def _with_inner(option: Option) -> Iterator[Option]:
    yield option
    for name, inner in option.documented.get("options", {}).items():
        yield from _with_inner(Option(option.role, f"{option.path}.{name}", inner))


OPTIONS = {(option.role, option.path): option for role in ACTIONS for option in _documented(role)}


def _values(option: Option) -> Iterator[tuple[str, str]]:
    yield from WRONG[option.kind]
    if option.kind == "list":
        yield from WRONG_ELEMENTS[option.documented["elements"]]
    held = HELD[option.role].get(option.path)
    yield from held or ()
    if option.kind == "str" and held is not LINES:
        yield NO_UNIT if option.path in DURATIONS else A_LINE_END


def _cases() -> list[Case]:
    return [Case(option, value, says) for option in OPTIONS.values() for value, says in _values(option)]


CASES = _cases()


def _collector(case: Case) -> str:
    """Return a collector in YAML with the value at the path of its option."""
    text, path = case.value, case.option.path
    while "." in path:
        path, _dot, name = path.rpartition(".")
        text = f"{{{name}: {text}}}"
        if OPTIONS[case.option.role, path].kind == "list":
            text = f"[{text}]"
    parts = {"name": "a", "recipes": "[otlp_ingest, debug_output]", path: text}
    return "{" + ", ".join(f"{name}: {value}" for name, value in parts.items()) + "}"


@pytest.fixture(scope="module")
def collectors(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the collector of each case, which knows where it stands in a file."""
    file = tmp_path_factory.mktemp("types") / "collectors.yml"
    file.write_text("".join(f"- {_collector(case)}\n" for case in CASES))
    listed: list[Any] = DataLoader().load_from_file(str(file))
    return listed


def _message(role: str, collector: Any) -> str:
    """Return what the action of a role says of a collector; empty if it takes it."""
    action = make_action(ACTIONS[role].ActionModule, {"collectors": [collector], "defaults": {}})
    try:
        action.run(task_vars={})
    except AnsibleActionFail as failure:
        return str(failure)
    return ""


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case.option.path}: {case.value:.30}" for case in CASES])
def test_an_option_takes_values_of_its_type_alone(number: int, collectors: list[Any]) -> None:
    case = CASES[number]
    message = _message(case.option.role, collectors[number])
    if case.says:
        assert re.search(f"option '{re.escape(case.option.path)}{case.says}", message), message
    else:
        assert not TYPE_FAULT.search(message), message


def test_what_every_mapping_of_a_collector_holds_is_above() -> None:
    mappings = {
        (option.role, option.path)
        for option in OPTIONS.values()
        if option.kind == "dict" and not option.documented.get("options")
    }
    above = {(role, path) for role, held in HELD.items() for path in held}
    assert mappings - above == set()
    assert above - OPTIONS.keys() == set()
