# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that install what collectors need, and the table of versions that go together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import EKS_ADDON
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import (
    parse_release_version,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import olm, release_tables

from tools import privileges

from .role import PLAY_VARIABLES, ROOT
from .source import steps

ROLES = {"cert_manager": "cert-manager", "otel_operator": "opentelemetry-operator"}
TABLE = release_tables.read_tables()
# Inputs that a role gives together with others, under another name, or to other modules.
ELSEWHERE = {
    "cert_manager": {"wait_seconds", "kubeconfig", "kube_context", "chart_version"},
    "otel_operator": {
        *("wait_seconds", "kubeconfig", "kube_context", "chart_version"),
        *("collector_image", "target_allocator_image", "opamp_bridge_image", "instrumentation_images"),
        *("replicas", "resources", "flags", "env", "node_selector", "tolerations", "affinity"),
        *("certificate_days", "certificate_renew_days"),
        # Those of the add-on itself go to eks_addon.
        *("addon_version", "addon_resolve_conflicts", "addon_configuration", "addon_service_account_role_arn"),
        # Those of a Subscription go together.
        *("olm_package", "olm_channel", "olm_source", "olm_source_namespace", "olm_csv", "olm_approval"),
        *("olm_namespace", "olm_operator_group"),
        *("addon_tags", "addon_timeout_seconds", "addon_degraded", "addon_degraded_seconds", "addon_preserve"),
    },
}


DEPLOYS_COLLECTORS = "__otel_has_collectors"
# Without any part the role says what is missing, and other parts alone bring no collector.
COLLECTORS = (
    "query('ansible.builtin.varnames', '^otel_collector(s|_instances|_recipes|_config|_config_files)$') != [] or "
    "query('ansible.builtin.varnames', '^(cert_manager_provider|otel_operator_provider|otel_instrumentations)$') == []"
)


def given(variable: str) -> str:
    """Return the condition that an inventory gives a variable, which a typo inside of it does not switch off."""
    return f"query('ansible.builtin.varnames', '^{variable}$') != []"


def part(role: str, path: str) -> Any:
    return _documents.read_yaml(ROOT / "roles" / role / path)


def spec(role: str) -> dict[str, Any]:
    options: dict[str, Any] = part(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


@pytest.mark.parametrize("role", ROLES)
def test_every_input_has_the_roles_prefix_and_a_description(role: str) -> None:
    for name, option in spec(role).items():
        assert name.startswith(f"{role}_")
        assert option["description"].endswith(".")
        assert ("elements" in option) == (option.get("type") == "list")


@pytest.mark.parametrize("role", ROLES)
def test_every_input_reaches_release_render(role: str) -> None:
    module = "o11y.opentelemetry.release_render"
    (arguments,) = (task[module] for task in steps(f"roles/{role}/tasks/decide.yml") if module in task)
    assert set(arguments) <= set(read_argument_spec("release_render"))
    named = {name.removeprefix(f"{role}_") for name in spec(role)}
    assert named - ELSEWHERE[role] <= set(arguments)
    assert arguments["product"] == ROLES[role]


@pytest.mark.parametrize("role", ROLES)
def test_choices_of_inputs_are_those_of_release_render(role: str) -> None:
    accepted = read_argument_spec("release_render")
    for name, option in spec(role).items():
        known = accepted.get(name.removeprefix(f"{role}_"), {}).get("choices", option.get("choices", []))
        assert set(option.get("choices", [])) <= set(known)


@pytest.mark.parametrize("role", ROLES)
def test_every_provider_and_state_has_tasks(role: str) -> None:
    names = [*spec(role)[f"{role}_provider"]["choices"], *spec(role)[f"{role}_state"]["choices"]]
    assert [name for name in names if not (ROOT / "roles" / role / "tasks" / f"{name}.yml").is_file()] == []


@pytest.mark.parametrize("role", ROLES)
def test_what_depends_on_the_provider_is_said_for_each(role: str) -> None:
    tables = {
        name: value for name, value in part(role, "vars/main.yml").items() if name.endswith(("seconds", "retries"))
    }
    assert tables
    for name, table in tables.items():
        assert set(table) == set(spec(role)[f"{role}_provider"]["choices"]), name


@pytest.mark.parametrize("role", ROLES)
def test_variables_of_tasks_are_the_roles_own(role: str) -> None:
    text = "".join(path.read_text() for path in (ROOT / "roles" / role / "tasks").glob("*.yml"))
    assert {name for name in re.findall(r"register: *(\w+)", text) if not name.startswith(f"__{role}_")} == set()


@pytest.mark.parametrize(("playbook", "roles"), [("deploy", [*ROLES]), ("remove", [*reversed(ROLES)])])
def test_playbooks_bring_only_what_is_named(playbook: str, roles: list[str]) -> None:
    tasks = steps(f"playbooks/tasks/{playbook}.yml")
    order = [task["ansible.builtin.include_role"]["name"].rpartition(".")[2] for task in tasks]
    assert [name for name in order if name in ROLES] == roles
    conditions = {order[index]: task.get("when") for index, task in enumerate(tasks)}
    if conditions["otel_collector"] == DEPLOYS_COLLECTORS:
        target = _documents.read_yaml(PLAY_VARIABLES / "target.yml")
        conditions["otel_collector"] = target[DEPLOYS_COLLECTORS].strip("{} ")
    assert conditions == {
        "cert_manager": given("cert_manager_provider"),
        "otel_operator": given("otel_operator_provider"),
        "otel_identity": given("otel_identity_provider"),
        "otel_collector": COLLECTORS,
        "otel_instrumentation": given("otel_instrumentations"),
    }


def test_every_input_of_the_addon_reaches_eks_addon_and_fits_it() -> None:
    role = "otel_operator"
    (task,) = part(role, "tasks/eks_addon_call.yml")
    arguments = task["o11y.opentelemetry.eks_addon"]
    inputs = {name for name in spec(role) if name.startswith(f"{role}_addon_")}
    text = str(arguments) + str(part(role, "vars/main.yml"))
    assert {name for name in inputs if name not in text} == set()
    assert set(arguments) - {"region", "profile"} <= set(EKS_ADDON)
    for name in ("resolve_conflicts", "degraded"):
        assert set(spec(role)[f"{role}_addon_{name}"]["choices"]) - {""} == set(EKS_ADDON[name]["choices"])


def test_every_input_for_olm_reaches_the_subscription_and_fits_it() -> None:
    role = "otel_operator"
    inputs = {name.removeprefix(f"{role}_olm_"): name for name in spec(role) if name.startswith(f"{role}_olm_")}
    wanted = part(role, "vars/main.yml")[f"__{role}_olm_wanted"]
    assert wanted == {name: f"{{{{ {full} }}}}" for name, full in inputs.items()}
    assert set(wanted) == set(olm.OPTIONS)
    assert spec(role)[f"{role}_olm_approval"]["choices"] == olm.OPTIONS["approval"]["choices"]


def test_a_trial_of_the_addon_comes_before_anything_is_changed() -> None:
    plan = part("otel_operator", "tasks/eks_addon_plan.yml")
    changing = [name for task in plan for name in task if name.endswith((".bundle_apply", ".eks_addon"))]
    assert changing == []
    (trial,) = (task for task in plan if "ansible.builtin.include_tasks" in task)
    assert trial["vars"] == {"__otel_operator_addon_trial": True}
    (call,) = part("otel_operator", "tasks/eks_addon_call.yml")
    assert call["check_mode"] == "{{ __otel_operator_addon_trial or ansible_check_mode }}"
    (stages,) = part("otel_operator", "tasks/main.yml")
    order = [task["ansible.builtin.include_tasks"] for task in stages["block"]]
    assert order.index("eks_addon_plan.yml") < order.index("decide.yml")


def test_what_is_known_of_addons_has_versions_and_reasons() -> None:
    for name, row in TABLE["eks_addons"].items():
        assert re.fullmatch(r"[a-z-]+", name)
        assert parse_release_version(row["rights_until"]) < parse_release_version(row["first"]), (
            "who lacks rights is refused anyway"
        )
        assert all(row["beside"].values())


def test_builds_with_versions_of_their_own_say_which_collector_is_in_them() -> None:
    assert TABLE["builds"]["aws-otel-collector"]["v0.49.0"] == "0.156.0"
    assert all(parse_release_version(inside) for own in TABLE["builds"].values() for inside in own.values())


def test_what_was_tested_is_in_the_table() -> None:
    assert set(TABLE["tested"]) == set(PRODUCTS)
    assert TABLE["tested"]["opentelemetry-operator"] in TABLE["operator"]
    assert str(TABLE["tested"]["cert-manager"]).rpartition(".")[0] in TABLE["cert_manager"]


@pytest.mark.parametrize("table", ["cert_manager", "operator"])
def test_versions_go_from_new_to_old_and_say_for_which_kubernetes(table: str) -> None:
    versions = [parse_release_version(name) for name in TABLE[table]]
    assert versions == sorted(filter(None, versions), reverse=True)
    for row in TABLE[table].values():
        first, last = (parse_release_version(text) for text in row["kubernetes"])
        assert first is not None
        assert last is not None
        assert first <= last


def test_every_image_of_the_operator_has_a_version() -> None:
    own = {name for name, row in TABLE["operator_images"].items() if row.get("version") == "operator"}
    for row in TABLE["operator"].values():
        assert set(row) - {"kubernetes", "chart"} == set(TABLE["operator_images"]) - own


def test_privileges_are_known_of_every_operator_and_of_every_line_of_cert_manager() -> None:
    known = {
        name: [parse_release_version(version) for version in row["versions"]]
        for name, row in TABLE["privileges"].items()
    }
    assert set(known) == set(PRODUCTS)
    assert [
        version
        for version in TABLE["operator"]
        if parse_release_version(version) not in known["opentelemetry-operator"]
    ] == []
    assert {version.minor_line for version in filter(None, known["cert-manager"])} >= set(TABLE["cert_manager"])


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_known_release_has_rights_to_everything_or_reaches_the_node(product: str) -> None:
    rows = TABLE["privileges"][product]["privileges"]
    rights = {key: values for key, values in rows.items() if key.startswith(("ClusterRole ", "Role "))}
    assert [key for key, values in rights.items() if "*" in values or key.split()[1].startswith("*")] == []
    assert not {"pod", "aggregation", "role", "subject", "service", "webhook target"} & set(rows)


def test_the_table_of_privileges_grows_by_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, manifest = tmp_path / "privileges.yml", tmp_path / "operator.yaml"
    image = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.159.0"
    manifest.write_text(
        "{apiVersion: v1, kind: Namespace, metadata: {name: op}}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: manager, namespace: op}\n"
        f"spec: {{template: {{spec: {{containers: [{{name: a, image: '{image}'}}]}}}}}}\n"
    )
    table.write_text((Path(privileges.TABLE_FILE)).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(privileges, "TABLE_FILE", table)
    before = _documents.read_yaml(table)
    assert privileges.main([str(manifest)]) == 0
    after = _documents.read_yaml(table)
    assert after["opentelemetry-operator"]["versions"] == [*before["opentelemetry-operator"]["versions"], "v0.159.0"]
    assert after["opentelemetry-operator"]["privileges"] == before["opentelemetry-operator"]["privileges"]
    assert after["cert-manager"] == before["cert-manager"]
