# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What awx/ gives to AWX: keys that AWX knows, playbooks that exist, questions that are inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.awx.awx.plugins import modules as awx_modules
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP, AUTH_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kubeconfig import read_option
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _arguments, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from botocore.credentials import EnvProvider

from tests.support.documentation import read_documentation

from . import awx_rules
from .role import PREFIX, ROOT, request

AWX = ROOT / "awx"
DATA: dict[str, Any] = {
    name: value for path in sorted(AWX.glob("data/*.yml")) for name, value in awx_rules.read(path).items()
}
TEMPLATES: list[dict[str, Any]] = DATA["controller_templates"]
QUESTIONS = [
    pytest.param(template, question, id=f"{template['name']}: {question['variable']}")
    for template in TEMPLATES
    for question in template.get("survey_spec", {}).get("spec", [])
]
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
# Which module of awx.awx takes which list.
MODULES = {
    "controller_organizations": "organization",
    "controller_execution_environments": "execution_environment",
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_hosts": "host",
    "controller_templates": "job_template",
    "controller_schedules": "schedule",
}
# Variables of playbooks that no role declares; they take text.
OF_PLAYBOOKS: dict[str, dict[str, Any]] = {
    "otel_hosts": {},
    "otel_report_path": {},
    "preflight_cluster": {"type": "bool"},
}


@pytest.mark.parametrize("path", sorted(AWX.glob("data/*.yml")), ids=lambda path: path.name)
def test_ansible_reads_each_file_without_a_warning(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It warns of a key that overrides one of its anchor, as of one that stands twice."""
    assert DataLoader().load_from_file(str(path))
    assert capfd.readouterr().err == ""


def inputs() -> dict[str, dict[str, Any]]:
    """Return every input by its name, with its type, choices and default."""
    found = dict(OF_PLAYBOOKS)
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        found |= _arguments.build_argument_spec(_documents.read_yaml(path)["argument_specs"]["main"]["options"])
    for module in ("pipeline_validate", "pipeline_test"):
        found |= {f"{module}_{name}": value for name, value in read_argument_spec(module).items()}
    taken = read_documentation("collector_program")["options"]
    found |= {f"pipeline_test_pod_{name}": value for name, value in taken.items()}
    playbooks = {"capture": "telemetry_capture", "diagnose": "collector_diagnose", "forecast": "pipeline_forecast"}
    playbooks["savings"] = "pipeline_savings"
    for playbook, module in playbooks.items():
        found |= {f"{playbook}_{name}": value for name, value in read_documentation(module)["options"].items()}
    return found


INPUTS = inputs()


def arguments(module: str) -> dict[str, Any]:
    """Return the argument spec of a module of awx.awx, out of its source: its main() talks to AWX."""
    path = Path(next(iter(awx_modules.__path__))) / f"{module}.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "argument_spec":
            return {str(item.arg): item.value for item in node.value.keywords}  # type: ignore[attr-defined]
    raise AssertionError(f"{path} has no argument_spec")


def tasks() -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield the module, the arguments and the loop of every task of configure.yml that writes a list."""
    for path in sorted(AWX.glob("tasks/*.yml")):
        for task in awx_rules.read(path):
            module = next((key for key in task if key.startswith("awx.awx.")), None)
            if module and task.get("loop", "").startswith("{{ controller_"):
                yield module.removeprefix("awx.awx."), task[module], task["loop"]


@pytest.mark.parametrize("name", MODULES)
def test_every_key_is_one_that_the_module_knows_and_the_playbook_passes_on(name: str) -> None:
    known = arguments(MODULES[name])
    given = {key for item in DATA[name] for key in item}
    (passed,) = [args for module, args, loop in tasks() if loop == f"{{{{ {name} }}}}" and module == MODULES[name]]
    assert given - set(known) == set()
    assert set(passed) - set(known) == set()
    assert given - set(passed) == set()


def test_tasks_of_the_workflow_have_keys_that_their_modules_know() -> None:
    for task in awx_rules.read(AWX / "tasks/waves.yml"):
        (module,) = [key for key in task if key.startswith("awx.awx.")]
        assert set(task[module]) <= set(arguments(module.removeprefix("awx.awx.")))


def test_a_wave_has_all_hosts_in_one_job_and_takes_the_names_of_waves() -> None:
    (template,) = [item for item in TEMPLATES if item["name"] == DATA["awx_wave_job_template"]]
    assert (template["playbook"], template["job_type"], template["job_slice_count"]) == ("site.yml", "run", 1)
    assert not template["ask_job_slice_count_on_launch"]
    assert template["ask_variables_on_launch"]


def test_every_list_reaches_awx() -> None:
    assert {name for name in DATA if name.startswith("controller_")} == set(MODULES)
    assert {loop.strip("{} ") for _module, _args, loop in tasks()} == set(MODULES)


def test_what_is_named_is_there() -> None:
    names = {name: {item["name"] for item in DATA[name]} for name in MODULES}
    builtin = awx_rules.INJECTED.keys() | names["controller_credential_types"]
    assert {item["credential_type"] for item in DATA["controller_credentials"]} <= builtin
    for template in TEMPLATES:
        assert template["inventory"] in names["controller_inventories"]
        assert template["project"] in names["controller_projects"]
        assert template["execution_environment"] in names["controller_execution_environments"]
        assert set(template.get("credentials", [])) <= names["controller_credentials"]
    assert {item["unified_job_template"] for item in DATA["controller_schedules"]} <= names["controller_templates"]


def test_there_is_a_job_template_for_every_playbook() -> None:
    listed = {path.stem for path in (AWX / "project").glob("*.yml")}
    assert PLAYBOOKS - awx_rules.WITHOUT_A_TEMPLATE <= listed <= PLAYBOOKS
    assert {template["playbook"] for template in TEMPLATES} == {f"{name}.yml" for name in listed}


@pytest.mark.parametrize("path", sorted((AWX / "project").glob("*.yml")), ids=lambda path: path.name)
def test_awx_takes_the_projects_playbooks_for_playbooks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert any(awx_rules.PLAYBOOK.match(line) for line in text.splitlines())
    assert f"import_playbook: o11y.opentelemetry.{path.stem}" in text


@pytest.mark.parametrize(
    "template", [item for item in TEMPLATES if "survey_spec" in item], ids=lambda item: item["name"]
)
def test_awx_takes_the_survey(template: dict[str, Any]) -> None:
    assert awx_rules.survey_errors(template["survey_spec"]) == []
    assert template["survey_enabled"]


@pytest.mark.parametrize(("template", "question"), QUESTIONS)
def test_a_question_is_an_input_with_its_choices_and_default(
    template: dict[str, Any], question: dict[str, Any]
) -> None:
    known = INPUTS[question["variable"]]
    if question["type"] in ("multiplechoice", "multiselect"):
        of_input = ["false", "true"] if known.get("type") == "bool" else known.get("choices", question["choices"])
        assert set(question["choices"]) <= set(of_input)
    if question["type"] == "integer":
        assert known["type"] == "int"
    default = known.get("default")
    if question["variable"] not in awx_rules.ASKED_WITH_ANOTHER_DEFAULT and default is not None:
        assert question.get("default") == (str(default).lower() if isinstance(default, bool) else default)


@pytest.mark.parametrize(("template", "question"), QUESTIONS)
def test_no_question_asks_for_a_list_or_a_mapping(template: dict[str, Any], question: dict[str, Any]) -> None:
    assert question["type"] != "multiselect"
    known = INPUTS[question["variable"]].get("type", "str")
    assert known not in ("dict", "list") or question["variable"] in awx_rules.LISTS_AS_TEXT


@pytest.mark.parametrize(("template", "question"), QUESTIONS)
def test_an_empty_answer_means_the_default(template: dict[str, Any], question: dict[str, Any]) -> None:
    """AWX sends empty text or null for what is left empty, so what has no empty default must be answered."""
    default = INPUTS[question["variable"]].get("default")
    assert question["required"] or not default


@pytest.mark.parametrize(
    "template", [item for item in TEMPLATES if "fleet" in item["inventory"]], ids=lambda item: item["name"]
)
def test_a_job_over_the_fleet_asks_nothing_that_its_inventory_may_say(template: dict[str, Any]) -> None:
    asked = {question["variable"] for question in template.get("survey_spec", {}).get("spec", [])}
    assert not any(name.startswith(("otel_collector", "otel_operator", "cert_manager")) for name in asked)


@pytest.mark.parametrize("null", [None, ""])
def test_the_collector_of_a_survey_is_the_one_of_typed_inputs(null: str | None) -> None:
    (template,) = [item for item in TEMPLATES if item["name"].endswith("one cluster - collector")]
    spec = template["survey_spec"]["spec"]
    answers = {item["variable"]: str(item["default"]) if item["required"] else null for item in spec}
    typed = {PREFIX + "recipes": ["otlp_ingest", "debug_output"], PREFIX + "image_registry": ""}
    assert _render.build_bundle(_render.judge_request(request(answers))) == _render.build_bundle(
        _render.judge_request(request(typed))
    )


@pytest.mark.parametrize("kind", ["fleet", "hosts"])
def test_drift_is_only_looked_at(kind: str) -> None:
    (drift,) = [item for item in TEMPLATES if item["name"] == f"OpenTelemetry {kind} - drift check"]
    assert (drift["playbook"], drift["job_type"], drift["diff_mode"]) == ("site.yml", "check", True)
    assert not any(drift.get(f"ask_{name}_on_launch") for name in ("job_type", "variables", "diff_mode"))


def test_jobs_of_hosts_have_the_credential_of_hosts_alone_and_jobs_of_the_fleet_have_it_too() -> None:
    of_hosts = [item for item in TEMPLATES if item["name"].startswith("OpenTelemetry hosts")]
    assert {item["playbook"] for item in of_hosts} == {"site.yml", "remove.yml"}
    assert {(item["limit"], *item["credentials"]) for item in of_hosts} == {("otel_linux", "OpenTelemetry hosts")}
    of_fleet = [item for item in TEMPLATES if item["name"].startswith("OpenTelemetry fleet")]
    assert all("OpenTelemetry hosts" in item["credentials"] for item in of_fleet)


def test_a_credential_of_hosts_has_inputs_that_awx_knows() -> None:
    (hosts,) = [item for item in DATA["controller_credentials"] if item["credential_type"] == "Machine"]
    assert set(hosts["inputs"]) <= awx_rules.OF_MACHINE


@pytest.mark.parametrize("name", awx_rules.INJECTED["OpenShift or Kubernetes API Bearer Token"])
def test_every_variable_of_a_kubernetes_credential_is_an_option_of_ours(name: str) -> None:
    aliases = {f"K8S_AUTH_{key.upper()}": field for key, field in AUTH_ARG_MAP.items()}
    field = aliases.get(name, name.removeprefix("K8S_AUTH_").lower())
    assert field in AUTH_ARG_SPEC
    alias = next((key for key, value in AUTH_ARG_MAP.items() if value == field), field)
    assert read_option({}, {name: "said"}, field, alias) == ("said" if field != "validate_certs" else True)


def test_the_variables_of_an_aws_credential_are_those_that_botocore_reads() -> None:
    names = awx_rules.INJECTED["Amazon Web Services"]
    found = EnvProvider(environ={name: name for name in names}).load()
    assert {found.access_key, found.secret_key, found.token} <= set(names)


def test_a_job_template_for_one_cluster_asks_for_the_credential() -> None:
    one = [
        item
        for item in TEMPLATES
        if item["playbook"] in ("site.yml", "preflight.yml") and "fleet" not in item["inventory"]
    ]
    assert one
    assert all(item["ask_credential_on_launch"] for item in one)


def test_rules_of_repetition_start_somewhere() -> None:
    for item in DATA["controller_schedules"]:
        assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=\d+", item["rrule"])
