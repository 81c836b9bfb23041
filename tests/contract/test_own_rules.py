# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about users' own rules, and the examples of policies: what is documented is there, and is tested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import (
    user_conditions,
    user_rule_builder,
    user_rule_when,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds, _findings, _jmespath

from .role import ROOT
from .source import text

FOLDER = ROOT / "examples" / "rules"
POLICIES = sorted(path.stem for path in FOLDER.glob("*.yml"))
PAGE = text("docs/own_rules.md")


def first_column(heading: str) -> set[str]:
    """Return the names in backticks in the first column of the table below a header row."""
    rows = PAGE.partition(f"\n{heading}\n")[2].partition("\n\n")[0]
    cells = [row.split(" | ")[0] for row in rows.splitlines()[1:]]
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)[:`]", cell)}


def test_the_page_has_every_key_condition_and_when() -> None:
    assert first_column("| key | meaning |") == set(user_rule_builder.RULE_KEYS)
    assert first_column("| condition | holds if the value |") == set(user_conditions.CONDITION_NAMES)
    assert first_column("| `when` | the rule is for |") == set(user_rule_when.WHEN_KEYS)


def test_the_page_names_what_expressions_cannot_use() -> None:
    listed = re.search(r"the functions `join`, `merge` and `to_string`", " ".join(PAGE.split()))
    assert listed
    for name in ("join(a, b)", "merge(a, b)", "to_string(a)"):
        with pytest.raises(_jmespath.Problem):
            _jmespath.build_bounded_search(name)


def test_every_function_that_a_rule_may_use_exists() -> None:
    known = set(_jmespath.load_library().functions.Functions.FUNCTION_TABLE)
    assert set(_jmespath._ALLOWED_FUNCTIONS) <= known
    assert known - set(_jmespath._ALLOWED_FUNCTIONS) == {"join", "merge", "to_string"}


def test_the_rules_of_the_page_are_right(tmp_path: Path) -> None:
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "rules:" in block]
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.yml"
        file.write_text(block)
        assert _findings.load_own_rules([str(file)]).user_rules


def test_every_policy_is_listed_and_has_configs() -> None:
    assert len(POLICIES) == 10
    listed = re.findall(r"^\| \[(\w+)\.yml\]\(\1\.yml\)", text("examples/rules/README.md"), re.MULTILINE)
    assert sorted(listed) == POLICIES
    for verdict in ("good", "bad"):
        found = (ROOT / "tests" / "fixtures" / "own_rules" / verdict).glob("*.yaml")
        assert sorted(path.stem for path in found) == POLICIES


@pytest.mark.parametrize("name", POLICIES)
def test_every_rule_of_a_policy_has_good_and_bad_examples(name: str) -> None:
    rules = _findings.load_own_rules([str(FOLDER / f"{name}.yml")])
    assert [
        rule.id for rule in rules.user_rules if not (rule.examples.good_configs and rule.examples.bad_configs)
    ] == []


# What the last key of an address is called, in all exporters of the catalogue; `cloudid` is a host in base64.
ADDRESS = re.compile(
    r"(?!.*_per_host)(?:.*_)?(?:endpoints?|url|brokers|hosts?|hostnames?|servers?|address|dsn|uri|cloudid)"
)


def addresses(node: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of settings that are addresses, as rules write them."""
    if isinstance(node, str) and node.startswith("#"):
        node = _builds.load_catalogue().shared_fields[node]
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from addresses(inner, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        yield from addresses(node[1], f"{path}[*]")
    elif ADDRESS.fullmatch(path.rpartition(".")[2].removesuffix("[*]")):
        yield path


def test_the_policy_of_destinations_sees_every_address_of_the_exporters_that_it_allows() -> None:
    hosts, types = yaml.safe_load((FOLDER / "destinations.yml").read_text())["rules"]
    rows = [row for row in _builds.load_catalogue().field_rows if row.get("section") == "exporters"]
    allowed = {kind_of(kind) for kind in types["except_types"]}
    found = {path for row in rows if kind_of(row["type"]) in allowed for path in addresses(row["fields"])}
    assert {"endpoints[*]", "brokers[*]", "http.endpoint"} <= found
    names_no_host = {"resolver.k8s.return_hostnames"}
    assert found - names_no_host == set(hosts["require"])
    silent = {"debug", "file", "nop", "prometheus"}  # these write or wait to be asked
    assert set(hosts["types"]) == set(types["except_types"]) - silent


def test_no_policy_is_active() -> None:
    assert yaml.safe_load(text("roles/otel_collector/defaults/main.yml"))["otel_collector_rule_paths"] == []
