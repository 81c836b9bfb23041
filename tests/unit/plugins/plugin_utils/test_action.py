# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What actions share: requests, builds, and seeds of mistakes that articles about collectors make."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.o11y.opentelemetry.plugins.filter.to_manifests import FilterModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _action, _origins
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import (
    _builds,
    _inputs,
    _migrate,
    _validate,
    _yaml,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._build_request import BuildRequest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._builds import resolve_build
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._render_request import RenderRequest

from tests.support.cases import cases

from .helpers import MIGRATE, VALIDATE, defaults


def test_a_request_takes_the_shared_arguments_and_no_other() -> None:
    request = RenderRequest.from_arguments({**defaults("otel_render"), "defaults": {"name": "a"}, "fail_on": "error"})
    assert (request.collectors, request.defaults, request.recipe_paths) == ([], {"name": "a"}, [])


def test_the_filter_writes_a_document_for_each_object_and_masks_secrets_on_request() -> None:
    to_manifests = FilterModule().filters()["to_manifests"]
    assert to_manifests([{"a": "1"}, {"b": ["yes"]}]) == "---\na: '1'\n---\nb:\n- 'yes'\n"
    objects = [{"kind": "ConfigMap", "data": {"config": "api:\n  key: correct-horse\nx: y\n"}}]
    assert "correct-horse" in to_manifests(objects)
    assert to_manifests(objects, masked=True) == to_manifests(objects).replace("correct-horse", "********")


@pytest.mark.parametrize(
    ("objects", "shape"),
    [({"manifests": []}, "a mapping"), ("text", "text"), ([{"a": "1"}, "b"], "a list with text"), (None, "null")],
)
def test_the_filter_writes_nothing_but_objects(objects: Any, shape: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"to_manifests takes a list of objects, and got {shape}"):
        FilterModule().filters()["to_manifests"](objects)


def test_the_filter_takes_what_another_filter_yields() -> None:
    assert FilterModule().filters()["to_manifests"](iter([{"a": "1"}])) == "a: '1'\n"


CONTRIB = "otel/opentelemetry-collector-contrib:0.150.0"
ADOT = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"


@cases(
    "wanted, image, build",
    (BuildRequest(), "", ("contrib", "0.158.0")),
    (BuildRequest("any"), "", None),
    (BuildRequest("any"), CONTRIB, None),
    (BuildRequest(), "nginx:1.2.3", None),
    (BuildRequest(), CONTRIB, ("contrib", "0.150.0")),
    (BuildRequest(), "otel/opentelemetry-collector-contrib:latest", None),
    (BuildRequest(), "mirror.local/x/opentelemetry-collector-k8s:0.158.0-amd64@sha256:0", ("k8s", "0.158.0")),
    (BuildRequest(), ADOT, ("adot", "0.156.0")),
    (BuildRequest(version="0.140.0"), "", ("contrib", "0.140.0")),
    (BuildRequest(version="0.140.0"), CONTRIB, ("contrib", "0.140.0")),
    (BuildRequest(version="0.158"), "", ("contrib", "0.158.0")),
    (BuildRequest(version="v0.157-rc1"), "", ("contrib", "0.157.0")),
    (BuildRequest("k8s"), CONTRIB, ("k8s", "0.158.0")),
    (BuildRequest("adot", "v0.47.0"), "", ("adot", "0.143.0")),
    (BuildRequest("adot", "v0.47"), "", ("adot", "0.143.0")),
    (BuildRequest("redhat"), "", ("redhat", "0.144.0")),
    (BuildRequest(), "r.io/rhosdt/opentelemetry-collector-rhel9:0.144.0", ("redhat", "0.144.0")),
    (BuildRequest(), "r.io/rhosdt/opentelemetry-collector-rhel8:0.135.0", ("redhat", "0.135.0")),
)
def test_a_build_is_said_or_recognised(wanted: BuildRequest, image: str, build: tuple[str, str] | None) -> None:
    found = resolve_build(wanted, image)
    assert (found and (found.distribution, found.version)) == build


def test_a_build_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Problem, match="there is no distribution 'contribb'; did you mean 'contrib'"):
        resolve_build(BuildRequest("contribb"), "")
    with pytest.raises(Problem, match="did you mean 'core'"):
        resolve_build(BuildRequest("otelcol"), "")
    with pytest.raises(Problem, match="'newest' is not a version of the Collector"):
        resolve_build(BuildRequest(version="newest"), "")


@pytest.mark.parametrize("version", ["0.158.x", "0.158.0garbage", "0.158.", "0.158.0.1", "0.158.0-"])
def test_a_text_that_only_begins_as_a_version_is_none(version: str) -> None:
    with pytest.raises(Problem, match=f"'{version}' is not a version of the Collector"):
        resolve_build(BuildRequest(version=version), "")


@pytest.mark.parametrize(
    "version", ["0.158", "v0.158.0", "0.158.0-rc1", "v0.158.0-nightly.20260301", "0.158.0+build.5"]
)
def test_a_version_may_be_short_or_have_what_semantic_versions_add(version: str) -> None:
    assert resolve_build(BuildRequest(version=version), "")


@cases(
    "exporters, image",
    (["otlp_grpc"], "opentelemetry-collector-otlp:0.158.0"),
    (["otlp_grpc", "datadog"], "opentelemetry-collector-contrib:0.158.0"),
    (["nobody"], ""),
    ([], ""),
)
def test_the_smallest_image_has_what_configs_use(exporters: list[str], image: str) -> None:
    used = [{"receivers": {"otlp": None}, "exporters": {name: None}} for name in exporters]
    assert _builds.find_smallest_image(None, used).rpartition("/")[2] == image


SEEDS = Path(__file__).parents[3] / "fixtures" / "seeds"
NAMES = sorted(path.name.removesuffix(".broken.yaml") for path in SEEDS.glob("*.broken.yaml"))

MISTAKES: dict[str, set[tuple[str, int]]] = {
    "agent": {("bare-variable", 11), ("removed-component", 17), ("removed-component", 21)},
    "cluster_events": {("removed-component", 17)},
    "cluster_objects": {*(("older-name", 13), ("wrong-type", 26), ("plaintext-secret", 36), ("removed-setting", 40))},
    "datadog": {("plaintext-secret", 19)},
    "node_metrics": {("older-name", 14)},
    "placeholder": {("placeholder", 18)},
    "sidecar": {("unknown-section", 11), ("undefined-reference", 32), ("undefined-reference", 34)},
}
# What a person has to do: secrets, wiring that could mean two things, and what nobody filled in.
FOR_PEOPLE = ("datadog", "placeholder", "sidecar")
# What only the owner of the pods knows: how much memory they may use.
FOR_OWNERS = {"memory-limiter-unbounded"}


def found(path: Path) -> list[dict[str, Any]]:
    arguments = {**VALIDATE, "paths": [str(path)], "fail_on": "never"}
    return list(_validate.validate_configs(arguments, lambda _warning: None)["findings"])


def migrated(path: Path) -> _migrate.MigratedText:
    collected = _inputs.collect_inputs([str(path)], None)
    return _migrate.migrate_text(collected.text_by_name[str(path)], str(path), collected, BuildRequest())


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_is_found_at_its_line_and_no_other_error(name: str) -> None:
    seen = found(SEEDS / f"{name}.broken.yaml")
    errors = {(item["rule"], item["line"]) for item in seen if item["severity"] == "error"}
    assert errors <= MISTAKES[name] <= {(item["rule"], item["line"]) for item in seen}


@pytest.mark.parametrize("name", NAMES)
def test_the_corrected_one_passes_and_is_left_as_it_is(name: str) -> None:
    file = SEEDS / f"{name}.corrected.yaml"
    assert {item["rule"] for item in found(file) if item["severity"] != "info"} <= FOR_OWNERS
    moved = migrated(file)
    assert (moved.changes, moved.unsolved_changes) == ([], [])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*FOR_PEOPLE, "cluster_objects")])
def test_what_is_mechanical_is_corrected_to_the_letter(name: str) -> None:
    moved = migrated(SEEDS / f"{name}.broken.yaml")
    assert moved.text_after.split("\n")[1:] == (SEEDS / f"{name}.corrected.yaml").read_text().split("\n")[1:]
    assert moved.unsolved_changes == []


def test_only_the_password_is_left_to_a_person() -> None:
    left, right = migrated(SEEDS / "cluster_objects.broken.yaml").text_after, SEEDS / "cluster_objects.corrected.yaml"
    config, wanted = (_inputs.collect_inputs([], text).inputs[0].config for text in (left, right.read_text()))
    assert config["exporters"]["elasticsearch"].pop("password") == "change-me-soon"
    del wanted["exporters"]["elasticsearch"]["password"]
    assert config == wanted


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_what_needs_a_person_is_left_as_it_is(name: str) -> None:
    file = SEEDS / f"{name}.broken.yaml"
    assert migrated(file).text_after == file.read_text()


def test_a_fixture_is_a_pair() -> None:
    assert sorted(path.name.removesuffix(".corrected.yaml") for path in SEEDS.glob("*.corrected.yaml")) == NAMES
    assert all(list(_yaml.load_all(path.read_text(), path.name)) for path in SEEDS.iterdir())


def test_diffs_have_no_secrets() -> None:
    arguments = {**MIGRATE, "paths": [str(SEEDS / "cluster_objects.broken.yaml")]}
    result = _migrate.migrate(arguments, check=True)
    assert result["changed"]
    assert "change-me-soon" not in repr(result)


class _Placed(str):
    """A text of ansible-core 2.18, which alone knows its position."""

    ansible_pos: tuple[str, int, int]


def test_older_versions_of_ansible_core_know_how_a_value_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "inventory.yml"
    file.write_text("A: 1.10\nB: '{{ x }}'\nC: yes\n")
    monkeypatch.setattr(_origins, "Origin", None)
    values = {}
    for line, (name, value) in enumerate({"A": 1.1, "B": 2, "C": True}.items(), 1):
        key = _Placed(name)
        key.ansible_pos = (str(file), line, 1)
        values[key] = value
    assert [_origins.position_of_entry(values, name).read_spelling() for name in "ABC"] == ["1.10", "", "yes"]


def test_older_versions_of_ansible_core_take_a_list_from_the_variable_that_knows_its_positions() -> None:
    known = [{"name": "a"}]
    variables = {
        "ansible_collection_name": "o11y.opentelemetry",
        "role_name": "otel_collector",
        "otel_collectors": known,
    }
    action: Any = SimpleNamespace(_templar=SimpleNamespace(template=lambda value: value))
    arguments = {"collectors": [{"name": "a"}], "others": [{"name": "b"}]}
    found = _action.ControllerAction._restore_positions(action, arguments, variables)
    assert list(found) == ["collectors"]
    assert found["collectors"] is known
