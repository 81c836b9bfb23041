# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that articles about collectors make: each is found at its line, and corrected where that needs no person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inputs, _migrate, _target, _validate, _yaml

from .helpers import MIGRATE, VALIDATE

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
