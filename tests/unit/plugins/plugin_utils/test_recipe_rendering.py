# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipes import RecipeUse
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _recipe_rendering, _role_files
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _files

RECIPE = "summary: Mine.\nsignals: [traces]\nmodes: [deployment]\noptions: {}\n"


def write(folder: Path, name: str, template: str, recipe: str = RECIPE) -> Path:
    """Write a recipe of the user's own and return its folder."""
    path = folder / name
    path.mkdir()
    (path / "recipe.yml").write_text(recipe)
    (path / "config.yml.j2").write_text(template)
    return path


def render(folder: Path, template: str, **options: Any) -> Any:
    spec = {"options": {name: {"type": "raw"} for name in options}}
    path = write(folder, "mine", template)
    return _recipe_rendering.render_fragment(
        RecipeUse("mine", options), path, spec, {"pod_logs": "/logs"}, {"name": "gateway"}
    ).config


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"a: \xe9\n")
    for name, fix in (("none", "Give the path of a readable YAML file."), ("a", "Save it as UTF-8 text.")):
        with pytest.raises(Problem, match=rf"cannot read .*{name}\.yml.*{re.escape(fix)}"):
            _documents.read_yaml(tmp_path / f"{name}.yml")


def test_recipes_of_the_user_come_first_and_those_of_the_role_are_found(tmp_path: Path) -> None:
    mine = write(tmp_path, "otlp_ingest", "")
    (tmp_path / "no_recipe").mkdir()
    found = _role_files.find_recipes([str(tmp_path)])
    assert found["otlp_ingest"] == mine
    assert "no_recipe" not in found
    assert {"baseline", "pod_logs"} <= set(found)
    with pytest.raises(Problem, match=r"folder .*none does not exist\. Correct recipe_paths or platform_paths\."):
        _role_files.find_recipes([str(tmp_path / "none")])


def platform(name: str, *paths: str) -> dict[str, Any]:
    return _role_files.read_platform(name, _role_files.find_platforms(list(paths)))


def test_a_platform_says_only_what_differs_and_the_user_can_add_one(tmp_path: Path) -> None:
    generic, eks = platform("generic"), platform("eks")
    assert set(eks) == set(generic)
    assert eks["resource_detectors"] == ["env", "eks"]
    assert eks["host_root"] == generic["host_root"]
    (tmp_path / "mine.yml").write_text("host_root: /node\n")
    assert platform("mine", str(tmp_path))["host_root"] == "/node"
    with pytest.raises(Problem, match=r"no platform 'openshfit'; did you mean 'openshift'\?.*Platforms: aks, eks,"):
        platform("openshfit")


@pytest.mark.parametrize("text", ["[a]", "host_root", "5"])
def test_a_platform_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yml").write_text(text)
    with pytest.raises(Problem, match=r"mine\.yml is not a mapping\. Write `fact: value`"):
        platform("mine", str(tmp_path))


def test_a_folder_with_a_point_is_known_by_its_whole_name(tmp_path: Path) -> None:
    versioned = write(tmp_path, "kafka.v2", "")
    (tmp_path / "stray.yml").write_text("a: 1")
    found = _role_files.find_recipes([str(tmp_path)])
    assert found["kafka.v2"] == versioned
    assert not {"kafka", "stray"} & set(found)


def test_a_template_sees_options_platform_and_collector(tmp_path: Path) -> None:
    text = "receivers: {nop: {a: {{ options.a | to_json }}, b: {{ platform.pod_logs }}, c: {{ collector.name }}}}"
    config = render(tmp_path, text, a={"x": [1, None, "yes"]})
    assert config == {"receivers": {"nop": {"a": {"x": [1, None, "yes"]}, "b": "/logs", "c": "gateway"}}}


def test_a_condition_has_every_value_as_the_collector_reads_it(tmp_path: Path) -> None:
    template = "processors: {a: {b: {{ options.given | any_of('path[%s]' | format('k' | to_json)) | to_json }} } }"
    made = render(tmp_path, template, given=["x", 'y"'])
    assert made["processors"]["a"]["b"] == 'path["k"] == "x" or path["k"] == "y\\""'


@pytest.mark.parametrize("rows", [[{"k": "a"}, {"k": "a"}], [{"k": ["a", "b"]}, {"k": ["a"]}], [{"k": ["a", "a"]}]])
def test_a_value_that_is_there_twice_is_named(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(Problem, match=r"recipe 'mine': 'a' is there twice in `k`\. Keep one of the two\."):
        render(tmp_path, "processors: {a: {b: {{ options.rows | once('k') | to_json }} } }", rows=rows)


def test_rows_without_a_value_twice_stay(tmp_path: Path) -> None:
    template = "processors: {a: {b: {{ options.rows | once('k') | to_json }} } }"
    rows = [{"k": ["a"]}, {"k": []}, {"k": ["b"]}]
    assert render(tmp_path, template, rows=rows)["processors"]["a"]["b"] == rows


def test_what_has_no_value_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    text = "receivers: {nop: {{ options.a | given | to_json }}}"
    given = {"a": None, "b": "", "c": 0, "d": False, "e": []}
    assert render(tmp_path, text, a=given) == {"receivers": {"nop": {"c": 0, "d": False, "e": []}}}
    assert render(tmp_path / "other", "# nothing\n") == {}


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("a: {{ options.nothing }}", "does not render: .*nothing"),
        ("a: {{ inventory_hostname }}", "does not render: 'inventory_hostname' is undefined"),
        ("a: 1\nb: {% if %}", r"does not render: .*config\.yml\.j2:2"),
        ("a: {{ ().__class__.__base__ }}", "does not render: access to attribute '__class__'"),
        ("a: {{ 1 / 0 }}", "does not render: division by zero"),
        ("a: {{ 5 | given }}", "does not render: "),
        ("a: [", r"this is not valid YAML: .*config\.yml\.j2 .rendered.:\d"),
        ("receiver: {}", "renders no collector config: unknown key 'receiver'; did you mean 'receivers'"),
        ("- a", "renders no collector config: a collector config is a mapping, not a list"),
    ],
)
def test_a_template_that_does_not_work_is_explained(tmp_path: Path, template: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        render(tmp_path, template)


def test_a_recipe_without_a_template_is_explained(tmp_path: Path) -> None:
    (write(tmp_path, "mine", "") / "config.yml.j2").unlink()
    with pytest.raises(Problem, match=r"cannot read .*config\.yml\.j2"):
        _recipe_rendering.render_fragment(RecipeUse("mine", {}), tmp_path / "mine", {}, {}, {})


def test_a_file_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert _files.write_if_changed(file, "é\n")
    assert not _files.write_if_changed(file, "é\n")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("é\n", 0o644)


def test_a_mode_and_a_link_are_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "a", tmp_path / "b"
    file.write_text("x")
    file.chmod(0o600)
    link.symlink_to(file)
    assert _files.write_if_changed(link, "y")
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("y", 0o600)


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Problem, match="cannot write"):
        _files.write_if_changed(tmp_path / "no" / "a", "x")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(Problem, match=r"cannot write .*: No space left on device"):
        _files.write_if_changed(tmp_path / "a", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_with_those_that_it_is_in(tmp_path: Path) -> None:
    for _twice in range(2):
        _files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot create the folder"):
        _files.make_folder(tmp_path / "file" / "b")
