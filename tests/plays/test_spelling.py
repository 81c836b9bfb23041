# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that YAML makes a number, a switch, a list or nothing never reaches a cluster as another text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.option_values import TEXT_MAPS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _origins, _role_options
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._option_values import find_value_kind
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.support import plays

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted(ROOT.glob("roles/*/meta/argument_specs.yml"))
RECIPES = sorted(ROOT.glob("roles/otel_collector/recipes/*/recipe.yml"))
# Mappings in the syntax of Kubernetes, Helm or the Collector, which have other values than text.
TREES = {
    *("addon_configuration", "addresses", "affinity", "behavior", "components", "config", "helm_values"),
    *("identity_annotations", "init_container_security_context", "pod_monitor_selector", "probe_selector", "resources"),
    *("scrape_config_selector", "security_context", "service_monitor_selector", "source"),
    *("node_ports", "prices", "team_budgets_per_day", "update_strategy", "volume_claim_template", "workloads"),
    *("ca", "certificate", "key", "places"),
}
LOKI = "recipes: [otlp_ingest: {signals: [logs]}, loki_export: {endpoint: 'https://x'%s}]"
PLAIN = "recipes: [otlp_ingest, debug_output], "
# What an item of `otel_collectors` has, and what the run says of it; nothing if it is right.
ITEMS = {
    "float": (PLAIN + "env: {A: 1.10}", "option 'env.A' of collector 'a' must be text, .* number 1.1 .*Write '1.10'."),
    "octal": (PLAIN + "env: {A: 0777}", "number 511 (at INVENTORY:LINE:.*Write '0777'."),
    "time": (PLAIN + "env: {A: 12:30:45}", "number 45045 .*Write '12:30:45'."),
    "switch": (PLAIN + "env: {A: yes}", "YAML reads it as true .*Write 'yes'."),
    "list": (PLAIN + "env: {A: [1, 2]}", "option 'env.A' of collector 'a' must be text, not a list"),
    "empty": (PLAIN + "env: {A: }", "option 'env.A' of collector 'a' must be text, not null. Write `A: ''`"),
    "date": (PLAIN + "annotations: {a: 2024-01-01T10:00:00Z}", "as the time .*Write '2024-01-01T10:00:00Z'."),
    "label": (PLAIN + "labels: {rel: 1.10}", "option 'labels.rel' .*Write '1.10'."),
    "key": (PLAIN + "labels: {1.10: a}", "the name of option 'labels.1.1' .*Write '1.10'."),
    "inner": (PLAIN + "service: {annotations: {a: 1.10}}", "option 'service.annotations.a' .*Write '1.10'."),
    "namespace": (PLAIN + "namespace: 0123", "option 'namespace' .*number 83 .*Write '0123'."),
    "version": (PLAIN + "version: 0.150", "option 'version' .*number 0.15 .*Write '0.150'."),
    "listed": (PLAIN + "image_pull_secrets: [0123]", r"option 'image_pull_secrets\[0\]' .*Write '0123'."),
    "source": (PLAIN + "env: {A: {secret: 0123, key: a}}", "option 'env.A.secret' .*Write '0123'."),
    "hidden": (PLAIN + "env: {A_TOKEN: 01234}", "option 'env.A_TOKEN' .*as a number .*Write it in quotes."),
    "reference": (PLAIN + "env: {A: '{{ ver }}'}", "option 'env.A' .*INVENTORY:3:.*Write '1.20'."),
    "tenant": (LOKI % ", tenant: 0123", "option 'tenant' of recipe 'loki_export' .*Write '0123'."),
    "header": (LOKI % ", headers: {X-Scope-OrgID: 0123}", "option 'headers.X-Scope-OrgID' .*Write '0123'."),
    "config": (
        LOKI % "" + ", config: {exporters: {otlp_http/loki: {headers: {X-Scope-OrgID: 0123, b: yes}}}, "
        "extensions: {file_storage: {directory_permissions: 0755}}}",
        r"X-Scope-OrgID: error \[wrong-type\] .*Write `'0123'`.*Write `'yes'`.*directory_permissions.*Write `'0755'`",
    ),
    "elsewhere": (
        LOKI % "" + ", config: {exporters: {otlp_http/loki: {headers: {X-Scope-OrgID: '{{ ver }}'}}}}",
        r"X-Scope-OrgID: error \[wrong-type\] .*Write `'1.20'`",
    ),
    "secret": (LOKI % "" + ", config: {exporters: {otlp_http/loki: {headers: {authorization: 0123456}}}}", "Write"),
    "tree": (PLAIN + "tolerations: [{key: a, value: 0123}]", r"'tolerations\[0\].value' .*Write '0123'."),
    "deep": (
        PLAIN + "affinity: {podAffinity: {x: [{matchLabels: {a: 1.10}}]}}",
        r"x\[0\].matchLabels.a' .*Write '1.10'.",
    ),
    "taint": (PLAIN + "tolerations: [{key: a, value: true}]", r"'tolerations\[0\].value' .*must be text, not true or"),
    # What Kubernetes or a container refuses later.
    "equals": (PLAIN + 'env: {"A=B": x}', "option 'env' of collector 'a' has 'A=B', which is no name of an env"),
    "digit": (PLAIN + "env: {'1A': x}", "option 'env' of collector 'a' has '1A', which is no name of an env"),
    "large": (PLAIN + f"annotations: {{a: {'x' * 300_000}}}", "'annotations' of collector 'a' has 292 KiB, and the"),
    "nul": (PLAIN + 'env: {A: "a\\0b"}', "option 'env.A' of collector 'a' has a NUL character"),
    "address": (PLAIN + "env: {MY_POD_IP: 10.0.0.1}", "variable MY_POD_IP in `env` is not what .* status.podIP"),
    "negative": (PLAIN + "pre_stop_seconds: -5", "option 'pre_stop_seconds' of collector 'a' is -5. Use 0 or a"),
    "right": (
        PLAIN + "env: {A: 4317, B: true, C: 0.5, D: '{{ 1.50 }}', E: '1.10', MY_POD_IP: {field: status.hostIP}}"
        ", labels: {a: '{{ 1 + 1 }}'}",
        "",
    ),
}
# Before ansible-core 2.19, only texts and mappings have an origin: what these items have is what YAML made of it.
WITHOUT_ORIGIN = {"date", "key", "listed", "reference", "elsewhere"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return what one run says of each item, which is the only collector of a host."""
    folder = tmp_path_factory.mktemp("spelling")
    hosts = "".join(f"    {name}: {{otel_collectors: [{{name: a, {item}}}]}}\n" for name, (item, _) in ITEMS.items())
    hosts += "    waiting: {otel_collector_wait_seconds: -5, otel_collectors: [{name: a, recipes: [x]}]}\n"
    hosts += "    switched: {otel_collector_severities: {log-loop: off}, otel_collectors: [{name: a, recipes: [x]}]}\n"
    inventory = folder / "inventory.yml"
    inventory.write_text(f"all:\n  vars:\n    ver: 1.20\n  hosts:\n{hosts}")
    done = plays.run_playbook(
        *("-i", str(inventory), "-e", f"otel_collector_output_path={folder}/out", "playbooks/render.yml"),
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
    )
    parts = re.split(r"^(?:fatal|ok|changed): \[(\w+)\]", done.stdout, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        found[name] = found.get(name, "") + " ".join(text.split())
    return folder, found


@pytest.mark.parametrize("name", [name for name, (_item, says) in ITEMS.items() if says])
def test_what_yaml_changes_is_refused_with_the_text_of_the_file(said: tuple[Path, dict[str, str]], name: str) -> None:
    if name in WITHOUT_ORIGIN and not _origins.are_tagged():
        pytest.skip("this ansible-core has no origin of a number, of a time and of what a template gives")
    folder, found = said
    line = str(list(ITEMS).index(name) + 5)
    wanted = ITEMS[name][1].replace("(at", r"\(at").replace("INVENTORY", str(folder / "inventory.yml"))
    assert re.search(wanted.replace("LINE", line), found[name]), found[name]
    assert not re.search("01234", found[name]), "a secret"


def test_what_has_the_text_of_the_file_and_what_a_template_gives_stays(said: tuple[Path, dict[str, str]]) -> None:
    objects = list(yaml.safe_load_all((said[0] / "out" / "right" / "manifests.yml").read_text()))
    (workload,) = [item for item in objects if item["kind"] == "Deployment"]
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    given = {item["name"]: item.get("value") for item in container["env"]}
    assert [given[name] for name in "ABCDE"] == ["4317", "true", "0.5", "1.5", "1.10"]
    assert workload["metadata"]["labels"]["a"] == "2"


def test_a_severity_that_yaml_makes_a_switch_is_named(said: tuple[Path, dict[str, str]]) -> None:
    assert re.search(r"otel_collector_severities.log-loop' .*as false .*Write 'off'\.", said[1]["switched"])


def test_a_negative_time_is_refused_before_anything_is_applied(said: tuple[Path, dict[str, str]]) -> None:
    assert "option 'otel_collector_wait_seconds' of role otel_collector is -5. Use 0" in said[1]["waiting"]


def _mappings(options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for name, option in options.items():
        inner = (option or {}).get("options") or {}
        found += _mappings(inner) if inner else [(name, option)] if (option or {}).get("type") == "dict" else []
    return found


@pytest.mark.parametrize("path", [*SPECS, *RECIPES], ids=lambda path: path.parts[-3] + "-" + path.parts[-2])
def test_every_mapping_is_known_to_have_text_or_other_values(path: Path) -> None:
    role = path.parts[-3]
    options = (
        _role_options.read_all_role_options(role) if path in SPECS else _documents.read_yaml(path).get("options") or {}
    )
    for name, option in _mappings(options):
        is_tree = name.removeprefix(f"{role}_").removeprefix("target_allocator_") in TREES
        assert (find_value_kind(name, option) in TEXT_MAPS) is not is_tree, name
