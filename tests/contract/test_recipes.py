# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every recipe, on every platform, in every mode."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipes import RecipeUse
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import (
    SECTIONS,
    iter_leaves,
    mapping_at,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.memory_sizes import TRACE_BYTES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_variables import (
    DOWNWARD_FIELDS,
    find_config_variables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import Finding
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _recipe_rendering, _render, _role_files
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._recipe_rendering import TEMPLATE_FILE
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._role_files import RECIPE_FILE

from tests.support.recipe_options import PARTNERS
from tools import recipes

from .kubernetes_rules import violations
from .role import PLATFORMS, RECIPES, ROLE, SPEC, sample
from .source import files, text

KEYS = {"summary", "signals", "modes", "use_on", "options"}
MODES = SPEC["otel_collector_mode"]["choices"]
# The modes of an agent, which runs next to the applications, and those of a gateway.
USES = {"agent": {"daemonset", "sidecar"}, "gateway": {"deployment", "statefulset"}}
SIGNALS = ["traces", "metrics", "logs"]
EVERYWHERE = [
    pytest.param(name, platform, mode, id=f"{name}-{platform}-{mode}")
    for name, recipe in RECIPES.items()
    for platform in PLATFORMS
    for mode in recipe["modes"]
]
UNDER_ALL = [
    (name, platform, mode, backend)
    for name, recipe in RECIPES.items()
    for platform in PLATFORMS
    for backend in BACKENDS
    for mode in recipe["modes"]
    if mode in BACKENDS[backend].modes
]


def ids(combination: tuple[str, ...]) -> str:
    return "-".join(combination)


# What a platform cannot have, by recipe, platform and mode; `*` is any recipe. The rest is to work.
REFUSED = {("*", "eks_fargate", "daemonset"), ("host_metrics", "gke_autopilot", "daemonset")}


def is_refused(name: str, platform: str, mode: str) -> bool:
    return bool({("*", platform, mode), (name, platform, mode)} & REFUSED)


ABOUT = {
    "name": "one",
    "namespace": "telemetry",
    "container": "opentelemetry-collector",
    "logs": ["/var/log/pods/telemetry_one-*_*/opentelemetry-collector/*.log"],
    "host": "${env:MY_POD_IP}",
    "listen": "[${env:MY_POD_IP}]",
    "own_host": "${env:MY_POD_IP}",
    "own_listen": "[${env:MY_POD_IP}]",
    "health_port": 13133,
    "metrics_port": 8888,
    "state": "/var/lib/otelcol",
    "allocated": False,
    "recipes": {},
    "limit_mib": 400,
    "spike_limit_mib": 100,
    "export_timeout": "20s",
    "metrics_readers": True,
    "exporters_batch": True,
    "splits": True,
    "critical_pods": [],
    "request_mib": 16,
    "batch_bytes": 2**20,
    "rotated_logs": True,
    "own_prints": True,
    "organization": ["platform@example.com"],
    "route": dict,
    "client_tls": lambda _options: {},
    "server_tls": lambda _options: {},
}
SECRET = re.compile(r"pass(word|wd)|secret|token|api_?key|credential", re.IGNORECASE)
TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
REFERENCE = re.compile(r"\$\{env:\w+\}$")


CONSENT = "consent-missing"
# Warnings that a recipe cannot do anything about: a sidecar is in somebody else's pod.
MEANT = {("sidecar", "metadata-service")}
# Nor about a platform whose nodes keep no folder of an agent.
NOT_KEPT = {("daemonset", "gke_autopilot", "storage-missing")}


@cache
def fragment(name: str, platform: str, mode: str, **options: Any) -> Any:
    """Return what a recipe renders by itself. Tests share it."""
    use = RecipeUse(name, {**sample(name), **options})
    facts = _role_files.read_platform(platform, _role_files.find_platforms([]))
    return _recipe_rendering.render_fragment(
        use,
        _role_files.ROLE / "recipes" / name,
        RECIPES[name],
        facts,
        {**ABOUT, "mode": mode, "alone": mode != "daemonset"},
    ).config


def request(name: str, platform: str, mode: str, backend: str = "operator") -> _render.RenderRequest:
    """Return a request for a recipe with a receiver and an exporter beside it, and the recipes that it requires."""
    added = [PARTNERS[name]] if name in PARTNERS else []
    partners = ["otlp_ingest", "debug_output", *added, *RECIPES[name].get("requires", [])]
    used: list[Any] = [{other: sample(other)} for other in partners if other != name]
    used.append({name: sample(name)})
    env = {variable: {"secret": "credentials", "key": "key"} for variable in RECIPES[name].get("variables", {})}
    confined = mode == "daemonset" and PLATFORMS[platform].get("selinux")  # who gets past it is for the user to say
    ports = PLATFORMS[platform].get("host_ports", True)  # as is who opens a port, and who is root
    agent = {"allow": ["root"], "host_ports": ports} if mode == "daemonset" else {}
    return _render.RenderRequest(
        [{"name": "one", "platform": platform, "mode": mode, "backend": backend, "recipes": used, "env": env}],
        {"namespace": "a", "selinux_type": "spc_t" if confined else "", **agent},
    )


@cache
def examined(name: str, platform: str, mode: str, backend: str) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return what is found in a request, and what is wrong with its manifests. Tests share it."""
    planned = _render.judge_request(request(name, platform, mode, backend))
    return tuple(planned[0].findings), tuple(violations(_render.build_bundle(planned)["manifests"]))


def found_without_consent(name: str, platform: str, mode: str) -> tuple[Finding, ...]:
    """Return what is found in a request that allows nothing. Only that of an agent allows something else."""
    asked = request(name, platform, mode)
    if "allow" not in asked.defaults:
        return examined(name, platform, mode, "operator")[0]
    return tuple(_render.judge_request(replace(asked, defaults={**asked.defaults, "allow": []}))[0].findings)


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_has_tests_of_what_it_does(name: str) -> None:
    """The real Collector runs them: tests/integration/test_suites.py."""
    tests = files(f"tests/recipes/{name}_test.yml")
    assert tests, f"write tests/recipes/{name}_test.yml, and add a collector of that name to tests/recipes/vars.yml"


def test_the_page_and_ansible_doc_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert recipes.main([]) == 0, capsys.readouterr().err


def test_a_stale_page_is_noticed() -> None:
    page, spec = recipes.RECIPES_PAGE.read_text(encoding="utf-8"), recipes.SPECS_FILE.read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith("| `max_connection_age` |")]
    assert recipes.rewrite_page(page.replace(row, "")) == page
    assert recipes.rewrite_specs(spec.replace("C(otlp_ingest), ", "", 1)) == spec
    assert f"C({min(RECIPES)})" in " ".join(SPEC["otel_collector_recipes"]["description"])


def test_every_folder_of_a_recipe_has_its_two_files_and_no_other() -> None:
    found = {path.split("/", 3)[-1] for path in files("roles/otel_collector/recipes/*")}
    shared_macros = {path for path in found if "/" not in path}
    folders = {path.split("/")[0] for path in found - shared_macros}
    assert found - shared_macros == {f"{folder}/{file}" for folder in folders for file in (RECIPE_FILE, TEMPLATE_FILE)}
    # A recipe is a folder. A macro of several recipes belongs to none of them, so it lies beside the folders.
    for macro in shared_macros:
        users = [path for path in found if f"from '{macro}' import" in text(f"roles/otel_collector/recipes/{path}")]
        assert macro.endswith(".j2"), macro
        assert len(users) > 1, f"{macro} has one user: put it into its template"


@pytest.mark.parametrize(("name", "platform", "mode"), EVERYWHERE)
def test_it_renders_alone_to_a_part_of_a_config(name: str, platform: str, mode: str) -> None:
    chosen = {"pipelines": "*"} if "pipelines" in RECIPES[name]["options"] else {}
    config = fragment(name, platform, mode, **chosen)
    assert set(config) <= {*SECTIONS, "service"}
    signals = {key.split("/")[0].rstrip("*") for key in mapping_at(config, "service", "pipelines")}
    # A wildcard stands for any signal, beside pipelines that a connector begins, and so do settings of exporters.
    declared, given = set(RECIPES[name]["signals"]), signals - {""}
    same = given == declared or (("" in signals or not signals) and given <= declared)
    assert same, f"`signals` in recipe.yml are not those of {TEMPLATE_FILE}"


@pytest.mark.parametrize("combination", [one for one in UNDER_ALL if is_refused(*one[:3])], ids=ids)
def test_what_a_platform_cannot_have_is_refused_with_what_to_do(combination: tuple[str, str, str, str]) -> None:
    with pytest.raises(_render.Problem, match=f"platform '{combination[1]}'") as problem:
        _render.build_bundle(_render.judge_request(request(*combination)))
    assert problem.value.fix in PLATFORMS[combination[1]]["instead"].values()


@pytest.mark.parametrize(
    ("name", "platform", "mode", "backend"), [one for one in UNDER_ALL if not is_refused(*one[:3])]
)
def test_it_composes_with_partners_and_its_manifests_are_valid(
    name: str, platform: str, mode: str, backend: str
) -> None:
    findings, wrong = examined(name, platform, mode, backend)
    told = [finding for finding in findings if finding.severity != "info"]
    meant = MEANT & {(mode, one.rule) for one in told} | NOT_KEPT & {(mode, platform, one.rule) for one in told}
    assert [str(finding) for finding in told if finding.rule not in {rule for *_where, rule in meant}] == []
    assert wrong == ()


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_it_says_which_right_needs_consent(name: str) -> None:
    needed = set()
    for platform in PLATFORMS:
        for mode in RECIPES[name]["modes"]:
            if not is_refused(name, platform, mode):
                found = found_without_consent(name, platform, mode)
                needed |= {one.fix.partition("add ")[2].partition(" to")[0] for one in found if one.rule == CONSENT}
    assert set(re.findall(r"`allow: [^`]+`", RECIPES[name]["summary"])) == needed


@pytest.mark.parametrize(("name", "platform", "mode"), EVERYWHERE)
def test_it_reads_nothing_but_what_it_says_or_a_pod_knows_and_holds_no_secret(
    name: str, platform: str, mode: str
) -> None:
    config = fragment(name, platform, mode)
    assert {variable.name for variable in find_config_variables(config)} <= {
        *DOWNWARD_FIELDS,
        *RECIPES[name].get("variables", {}),
    }
    named = {path: str(value) for path, value in iter_leaves(config) if SECRET.search(str(path[-1]))}
    assert [path for path, value in named.items() if value != TOKEN_FILE and not REFERENCE.match(value)] == []


@pytest.mark.parametrize("name", RECIPES)
def test_it_describes_itself(name: str) -> None:
    recipe = RECIPES[name]
    assert set(recipe) - {"requires", "variables", "hosts"} == KEYS
    assert recipe.get("hosts", True) is True, "leave it out where the recipe does not work on Linux hosts"
    assert recipe["summary"].endswith(".")
    assert set(recipe["signals"]) <= set(SIGNALS)
    assert set(recipe["modes"]) <= set(MODES)
    assert recipe["signals"] and recipe["modes"] and recipe["use_on"]
    assert recipe["use_on"] == [use for use in USES if use in recipe["use_on"]]
    assert all(USES[use] & set(recipe["modes"]) for use in recipe["use_on"])
    assert set(recipe.get("requires", [])) <= set(RECIPES)


def test_tail_sampling_says_the_memory_with_which_the_rule_counts() -> None:
    said = RECIPES["tail_sampling"]["options"]["traces_per_second"]["description"]
    assert f"takes at least {TRACE_BYTES // 1024} KiB of memory" in said and "traces-above-memory" in said


# What recipes ask of the whole config, when all layers are merged: tests/unit/plugins/plugin_utils/test_render.py.
RENDERED_LATER = {
    ("baseline", "batching"),
    ("baseline", "queue_mib"),
    # What a group of hosts takes, and the certificates of hosts, are found before.
    ("otlp_forward", "collector"),
    ("otlp_forward", "spread"),
    ("trace_balancing", "collector"),
    ("otlp_forward", "mutual_tls"),
    ("otlp_ingest", "mutual_tls"),
    ("trace_balancing", "mutual_tls"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_its_options_are_described_and_used(name: str) -> None:
    template = (ROLE / "recipes" / name / TEMPLATE_FILE).read_text(encoding="utf-8")
    for key, option in RECIPES[name]["options"].items():
        assert option["description"].endswith(".")
        assert ("elements" in option) == (option.get("type") == "list")
        assert f"options.{key}" in template or (name, key) in RENDERED_LATER


@pytest.mark.parametrize("name", RECIPES)
def test_its_modes_are_refused_where_it_does_not_have_them(name: str) -> None:
    for mode in set(MODES) - set(RECIPES[name]["modes"]):
        with pytest.raises(_render.Problem, match=f"recipe '{name}' does not work in mode {mode}"):
            _render.judge_request(request(name, "generic", mode))


def depth(template: str) -> int:
    """Return how deep loops and conditions are nested."""
    deepest = level = 0
    for word in re.findall(r"{%[-+]?\s*(\w+)", template):
        level += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(word, 0)
        deepest = max(deepest, level)
    return deepest


LAWS = [
    ("it sets no variable", re.compile(r"{%[-+]?\s*set\b")),
    ("it has no macro", re.compile(r"{%[-+]?\s*(macro|import|include|call|block|extends)\b")),
    ("it indents nothing", re.compile(r"\|\s*indent\b")),
    ("it names no platform", re.compile(rf"\b({'|'.join(set(PLATFORMS) - {'generic'})})\b", re.IGNORECASE)),
    ("it has no secret", re.compile(r"(password|token|api_?key)\s*:(?! \$\{env:\w+\}$)", re.IGNORECASE | re.MULTILINE)),
    ("it writes no quotes around values", re.compile(r"""["']{{|}}["']""")),
]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(("law", "breach"), LAWS, ids=[law for law, _breach in LAWS])
def test_its_template_keeps_the_law(name: str, law: str, breach: re.Pattern[str]) -> None:
    template = (ROLE / "recipes" / name / TEMPLATE_FILE).read_text(encoding="utf-8")
    assert breach.findall(template) == []


@pytest.mark.parametrize("name", RECIPES)
def test_its_template_is_short_and_flat(name: str) -> None:
    template = (ROLE / "recipes" / name / TEMPLATE_FILE).read_text(encoding="utf-8")
    assert len(template.splitlines()) <= 60
    assert depth(template) <= 2


def test_a_law_that_is_broken_is_noticed() -> None:
    broken = "{% set a = 1 %}{%- macro b() %}{{ x | indent(2) }} eks password: '{{ y }}'"
    assert [law for law, breach in LAWS if not breach.search(broken)] == []
    assert depth("{% if a %}{% for b in c %}{% if d %}{% endif %}{% endfor %}{% endif %}{% if e %}{% endif %}") == 3
