# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What actions share: answers, targets, and seeds of mistakes that articles about collectors make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.filter.to_manifests import FilterModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import (
    _doorway,
    _inputs,
    _migrate,
    _target,
    _validate,
    _yaml,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._target import BuildRequest, resolve

from .helpers import MIGRATE, VALIDATE


def refuse() -> dict[str, object]:
    raise Problem("it is wrong", asked="this", where="a.yml:3", fix="Mend it.")


def test_an_answer_says_that_nothing_changed() -> None:
    assert _doorway.answer(lambda: {"a": 1}) == {"changed": False, "a": 1}


def test_a_problem_fails_the_task_in_its_own_words() -> None:
    with pytest.raises(AnsibleActionFail) as failed:
        _doorway.answer(refuse)
    assert "this: it is wrong (at a.yml:3). Mend it." in str(failed.value)


def test_a_mistake_of_ours_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        _doorway.answer(lambda: {"a": 1 // 0})


def test_a_request_takes_the_shared_arguments_and_no_other() -> None:
    arguments = {name: argument["default"] for name, argument in _doorway.COLLECTOR_ARGUMENTS.items()}
    request = _doorway.request({**arguments, "defaults": {"name": "a"}, "fail_on": "error"})
    assert (request.collectors, request.defaults, request.recipe_paths) == ([], {"name": "a"}, [])


def test_the_filter_writes_a_document_for_each_object() -> None:
    to_manifests = FilterModule().filters()["to_manifests"]
    assert to_manifests([{"a": "1"}, {"b": ["yes"]}]) == "---\na: '1'\n---\nb:\n- 'yes'\n"


CONTRIB = "otel/opentelemetry-collector-contrib:0.150.0"
ADOT = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"
MANIFEST = """\
dist: {name: ours}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.156.0
"""


@pytest.mark.parametrize(
    ("wanted", "image", "build"),
    [
        (BuildRequest(), "", None),
        (BuildRequest(), "nginx:1.2.3", None),
        (BuildRequest(), CONTRIB, ("contrib", "0.150.0")),
        (BuildRequest(), "otel/opentelemetry-collector-contrib:latest", None),
        (BuildRequest(), "mirror.local/x/opentelemetry-collector-k8s:0.158.0-amd64@sha256:0", ("k8s", "0.158.0")),
        (BuildRequest(), ADOT, ("adot", "0.156.0")),
        (BuildRequest(version="0.140.0"), "", ("contrib", "0.140.0")),
        (BuildRequest(version="0.140.0"), CONTRIB, ("contrib", "0.140.0")),
        (BuildRequest("k8s"), CONTRIB, ("k8s", "0.158.0")),
        (BuildRequest("adot", "v0.47.0"), "", ("adot", "0.143.0")),
        (BuildRequest("redhat"), "", ("redhat", "0.135.0")),
    ],
)
def test_a_build_is_said_or_recognised(wanted: BuildRequest, image: str, build: tuple[str, str] | None) -> None:
    found = resolve(wanted, image)
    assert (found and (found.distribution, found.version)) == build


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (BuildRequest("contribb"), "there is no distribution 'contribb'; did you mean 'contrib'"),
        (BuildRequest(version="newest"), "'newest' is not a version of the Collector"),
    ],
)
def test_a_build_that_nobody_knows_is_refused(wanted: BuildRequest, message: str) -> None:
    with pytest.raises(Problem, match=message):
        resolve(wanted, "")


def test_a_manifest_is_a_distribution(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(MANIFEST)
    found = resolve(BuildRequest(manifest=str(file)), CONTRIB)
    assert found
    assert (found.distribution, found.version) == ("ours", "0.156.0")
    assert found.catalogue.find("receivers", "otlp", "ours", "0.156.0")
    assert not found.catalogue.find("exporters", "debug", "ours", "0.156.0")


@pytest.mark.parametrize("text", ["a: 1\n", "[]", ""])
def test_a_manifest_without_components_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(text)
    with pytest.raises(Problem, match="is not a manifest of the Collector builder"):
        resolve(BuildRequest(manifest=str(file)), "")


def test_the_smallest_image_has_what_configs_use() -> None:
    small = {"receivers": {"otlp": None}, "exporters": {"otlp_grpc": None}}
    large = {"exporters": {"datadog": None}}
    assert _target.smallest_image(None, [small]).rpartition("/")[2] == "opentelemetry-collector-otlp:0.158.0"
    assert _target.smallest_image(None, [small, large]).rpartition("/")[2] == "opentelemetry-collector-contrib:0.158.0"
    assert _target.smallest_image(None, [{"exporters": {"nobody": None}}]) == ""
    assert _target.smallest_image(None, []) == ""


SEEDS = Path(__file__).parents[3] / "fixtures" / "seeds"
NAMES = sorted(path.name.removesuffix(".broken.yaml") for path in SEEDS.glob("*.broken.yaml"))

MISTAKES: list[Any] = [
    ("agent", "bare-variable", 11),
    ("agent", "removed-component", 17),
    ("agent", "removed-component", 21),
    ("cluster_events", "removed-component", 17),
    ("cluster_objects", "older-name", 13),
    ("cluster_objects", "wrong-type", 26),
    ("cluster_objects", "older-name", 31),
    ("cluster_objects", "plaintext-secret", 36),
    ("cluster_objects", "removed-setting", 40),
    ("datadog", "plaintext-secret", 19),
    ("node_metrics", "older-name", 14),
    ("node_metrics", "older-name", 23),
    ("placeholder", "placeholder", 18),
    ("sidecar", "unknown-section", 11),
    ("sidecar", "undefined-reference", 32),
    ("sidecar", "undefined-reference", 34),
]
# What a person has to do: secrets, wiring that could mean two things, and what nobody filled in.
FOR_PEOPLE = ("datadog", "placeholder", "sidecar")


def found(path: Path, **arguments: Any) -> list[dict[str, Any]]:
    told: list[str] = []
    return list(
        _validate.report({**VALIDATE, "paths": [str(path)], "fail_on": "never", **arguments}, told.append)["findings"]
    )


def migrated(path: Path) -> _migrate.Moved:
    collected = _inputs.collect([str(path)], None)
    return _migrate.move(collected.texts[str(path)], str(path), collected, _target.BuildRequest())


def configs(text: str) -> list[Any]:
    collected = _inputs.collect([], text)
    return [item.config for item in collected.inputs]


@pytest.mark.parametrize(("name", "rule", "line"), MISTAKES)
def test_a_mistake_is_found_at_its_line(name: str, rule: str, line: int) -> None:
    seen = {(item["rule"], item["line"]) for item in found(SEEDS / f"{name}.broken.yaml")}
    assert (rule, line) in seen


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_that_is_found_is_one_of_them(name: str) -> None:
    named = {case[1:] for case in MISTAKES if isinstance(case, tuple) and case[0] == name}
    errors = {
        (item["rule"], item["line"]) for item in found(SEEDS / f"{name}.broken.yaml") if item["severity"] == "error"
    }
    assert errors <= named


@pytest.mark.parametrize("name", NAMES)
def test_the_corrected_one_passes(name: str) -> None:
    assert [item for item in found(SEEDS / f"{name}.corrected.yaml") if item["severity"] != "info"] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_corrected_one_is_left_as_it_is(name: str) -> None:
    moved = migrated(SEEDS / f"{name}.corrected.yaml")
    assert (moved.changes, moved.unsolved) == ([], [])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*FOR_PEOPLE, "cluster_objects")])
def test_what_is_mechanical_is_corrected_to_the_letter(name: str) -> None:
    moved = migrated(SEEDS / f"{name}.broken.yaml")
    assert moved.text.split("\n")[1:] == (SEEDS / f"{name}.corrected.yaml").read_text().split("\n")[1:]
    assert moved.unsolved == []


def test_only_the_password_is_left_to_a_person() -> None:
    moved = migrated(SEEDS / "cluster_objects.broken.yaml")
    (config,) = configs(moved.text)
    (wanted,) = configs((SEEDS / "cluster_objects.corrected.yaml").read_text())
    assert config["exporters"]["elasticsearch"].pop("password") == "change-me-soon"
    del wanted["exporters"]["elasticsearch"]["password"]
    assert config == wanted


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_what_needs_a_person_is_left_as_it_is(name: str) -> None:
    file = SEEDS / f"{name}.broken.yaml"
    assert migrated(file).text == file.read_text()


def test_a_fixture_is_a_pair() -> None:
    assert sorted(path.name.removesuffix(".corrected.yaml") for path in SEEDS.glob("*.corrected.yaml")) == NAMES
    assert all(list(_yaml.load_all(path.read_text(), path.name)) for path in SEEDS.iterdir())


def test_diffs_have_no_secrets() -> None:
    arguments = {**MIGRATE, "paths": [str(SEEDS / "cluster_objects.broken.yaml")]}
    result = _migrate.migrate(arguments, check=True)
    assert result["changed"]
    assert "change-me-soon" not in repr(result)
