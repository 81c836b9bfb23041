# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages name files that exist, and keep the width of the house style."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.samplers import PROPAGATORS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support import page
from tools import links
from tools.links import FENCED_BLOCK

from .role import ROOT, request
from .source import files, nodes, text

PAGES = [name for name in files("*.md") if not name.startswith("changelogs/")]
# Generated from the table of rules, whose wording is tested there.
HAND_WRITTEN = [name for name in PAGES if name != "docs/rules.md"]
WIDTH = 120
# The short form of a room that pages use: its name, without the folder of all rooms.
HOUSE = "plugins/module_utils"
ROOMS = {path.name for path in (ROOT / HOUSE).iterdir() if path.name.startswith("_")}
_CODE = re.compile(r"`([^`\s]+/[^`\s]*)`")
_PLACEHOLDER = re.compile(r"<[^>]*>|\{[^}]*\}|…|NAME|VERSION")
# The first folder of every path in the repository: what starts otherwise is no path of it.
TOP = {path.split("/")[0] for path in files()} | ROOMS


def quoted(name: str) -> set[str]:
    """Return the paths of the repository that a page has in backticks, relative to its root."""
    found = {path.rstrip("/").split("#")[0] for path in _CODE.findall(FENCED_BLOCK.sub("", text(name)))}
    return {spelled(path) for path in found if path.split("/")[0] in TOP}


def spelled(path: str) -> str:
    """Return a path with the folder of its room in full, and a pattern in place of each placeholder."""
    return _PLACEHOLDER.sub("*", f"{HOUSE}/{path}" if path.split("/", maxsplit=1)[0] in ROOMS else path)


def exists(path: str) -> bool:
    """Return whether a path, or a pattern, has a file or folder in the repository, or in one of its roles."""
    return any(ROOT.glob(path)) or any(ROOT.glob(f"roles/*/{path}"))


@pytest.mark.parametrize("name", PAGES)
def test_every_path_that_a_page_names_exists(name: str) -> None:
    assert sorted(path for path in quoted(name) if not exists(path)) == []


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    assert links.main() == 0


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("[a](page.md) [b](page.md#the-first-one) [c](#here-1) [d](https://example.com/none)", []),
        ("[a](none.md)", ["none.md"]),
        ("[a](page.md#the-second)", ["page.md#the-second"]),
        ("[a](#nowhere)", ["#nowhere"]),
        ("![picture](images/none.svg)", ["images/none.svg"]),
        ("`[a](none.md)`\n\n```yaml\n[a](none.md)\n```", []),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str, wrong: list[str]) -> None:
    (tmp_path / "page.md").write_text("# Page\n\n## The `first` one\n", encoding="utf-8")
    (tmp_path / "one.md").write_text(f"# Here\n\n## Here\n\n{link}\n", encoding="utf-8")
    assert links.list_broken_links(tmp_path / "one.md") == wrong


def test_a_page_that_code_names_is_checked(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("'see docs/none.md, docs/rules.md#none and docs/security.md#consent'")
    assert links.list_broken_links(tmp_path / "one.py") == ["docs/none.md", "docs/rules.md#none"]


def test_the_log_of_the_quick_start_is_that_of_the_inventory() -> None:
    (name,) = re.findall(r"kubectl logs -n opentelemetry deployment/([\w-]+)", text("docs/start.md"))
    rendered = yaml.safe_load_all(text("examples/agent_gateway/rendered/manifests.yml"))
    assert name in {item["metadata"]["name"] for item in rendered if item["kind"] == "Deployment"}


@pytest.mark.parametrize("name", ["recipes", "systems", "eks_adot", "sample_app", "mesh"])
def test_pages_about_trace_ids_leave_them_to_one_page(name: str) -> None:
    said = text(f"docs/{name}.md")
    assert "(propagation.md" in said
    assert not re.search(r"accepts (only|every|the random) trace id|X-Ray requires", said, re.IGNORECASE)


def test_the_page_about_propagation_names_propagators_that_exist() -> None:
    (named,) = re.findall(r"propagators: \[(.+?)\]", text("docs/propagation.md"))
    assert {*named.split(", "), "b3", "b3multi"} <= set(PROPAGATORS)


def test_the_files_of_the_mesh_get_the_names_of_the_stack() -> None:
    (names,) = re.findall(r"\$ sed s/(\S+)/ examples/mesh/istio-values.yml", text("docs/operator_stack.md"))
    old, new = names.split("/")
    assert text("examples/mesh/istio-values.yml").count(old) == 2
    collector, namespace, _svc = new.split(".")
    given = yaml.safe_load(text("inventories/operator_stack/group_vars/all/collectors.yml"))
    assert given["otel_collector_namespace"] == namespace
    assert collector in {one["name"] for one in given["otel_collectors"]}


TUTORIAL = page.read_sections(ROOT / "docs" / "tutorial.md")
TUTORIAL_FILES = [step for steps in TUTORIAL.values() for step in steps if isinstance(step, page.File)]


@pytest.mark.parametrize("file", [file for file in TUTORIAL_FILES if "otel_collectors" in file.text])
def test_every_inventory_of_the_tutorial_has_no_finding(file: page.File) -> None:
    versions = [other.text for other in TUTORIAL_FILES if other.path.endswith("group_vars/all.yml")]
    for version in versions:
        variables = {**yaml.safe_load(version), **yaml.safe_load(file.text)}
        found = [finding for one in _render.judge_request(request(variables)) for finding in one.findings]
        assert [str(finding) for finding in found if finding.severity != "info"] == []


@pytest.mark.parametrize(
    ("output", "printed", "missing"),
    [
        (("a…c", "d"), "x\na b c\nd", ""),
        (("d", "a…c"), "a b c\nd", "a…c"),
        (("a…c",), "a\nc", "a…c"),
        (("a b",), "a    b", ""),
        ((), "a", "nothing"),
        ((), "", ""),
    ],
)
def test_what_the_tutorial_does_not_print_is_noticed(output: tuple[str, ...], printed: str, missing: str) -> None:
    assert page.Command("true", output).find_missing_line(printed) == missing


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_lines_of_text_fit_the_width(name: str) -> None:
    prose = FENCED_BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text(name)).splitlines()
    wide = [number for number, line in enumerate(prose, 1) if len(line) > WIDTH and not line.lstrip().startswith("|")]
    assert wide == []


def test_a_row_of_the_guide_has_at_most_three_lines() -> None:
    long_rows = [row for row in text("CONTRIBUTING.md").splitlines() if row.startswith("|") and len(row) > 3 * WIDTH]
    assert long_rows == [], "describe it in steps, below the table"


def test_a_path_that_is_gone_would_be_noticed() -> None:
    assert exists(spelled("_otelcol/rules/rules.py"))
    assert exists(spelled("roles/otel_collector/recipes/<outcome>"))
    assert not exists(spelled("_otelcol/rules/components"))
    assert "plugins/module_utils/_otelcol/needs/aws_calls.py" in quoted("CONTRIBUTING.md")


def reasons(path: str) -> list[str]:
    """Return the longest fixed part of each reason with which a file raises a Problem."""
    found = []
    for value in values_of_reasons(path):
        parts = [str(one.value) for one in ast.walk(value) if isinstance(one, ast.Constant)]
        if parts:
            found.append(max(parts, key=len).strip(" .,:;()'`\n"))
    return found


def values_of_reasons(path: str) -> Iterator[ast.expr]:
    """Yield what is given to a Problem first, and what a file names `wrong` before it."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") in ("Problem", "Failure"):
            yield node.args[0]
        if isinstance(node, ast.Assign) and "wrong" in map(ast.unparse, node.targets):
            yield node.value


@pytest.mark.parametrize("path", files("plugins/module_utils/_change/*.py"))
def test_every_error_of_a_change_has_a_row(path: str) -> None:
    assert [reason for reason in reasons(path) if reason not in text("docs/errors.md")] == []
