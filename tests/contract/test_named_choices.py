# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each value of an option with choices, of all roles and modules, is in a test or scenario beside its option.

A default is left out: it acts wherever a test gives no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .source import files, text
from .test_rendered_choices import LATER, OF_COLLECTORS

# Options whose values act in a test that does not name them, or that takes them from here, and that test.
ELSEWHERE = {
    **{f"otel_collector_{name}": "test_rendered_choices.py" for name in OF_COLLECTORS if name not in LATER},
    "otel_host_log_level": "test_host_role.py holds them equal to those of otel_collector",
    "otel_host_allow": "tests/unit/plugins/plugin_utils/test_host_render.py has every group of guarded_groups.py",
    "otel_collector_profile": "tests/unit/plugins/module_utils/_collector/test_deployed.py",
    **dict.fromkeys(
        ("otel_operator_certificates", "release_render.certificates"),
        "tests/unit/plugins/module_utils/_install/releases/test_manifest.py",
    ),
    "pipeline_validate.format": "test_whole_path.py",
    "eks_addon.resolve_conflicts": "tests/unit/plugins/modules/test_eks_addon.py",
    "otel_operator_addon_resolve_conflicts": "test_release_roles.py holds them equal to those of eks_addon",
    "otel_operator_addon_degraded": "test_release_roles.py holds them equal to those of eks_addon",
}
ROLE = re.compile(r"^(?:otel_[a-z]+?|cert_manager)_")


def choosing(options: Mapping[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every option and suboption with choices, by its path."""
    for name, option in options.items():
        if "choices" in option:
            yield path + name, option
        yield from choosing(option.get("options") or option.get("suboptions") or {}, f"{path}{name}.")


def of_roles() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(text(path))["argument_specs"].values():
            yield from choosing(entry.get("options") or {}, "")


def of_modules() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files("plugins/modules/*.py"):
        documentation = re.search(r'^DOCUMENTATION = r?"""(.*?)"""', text(path), re.DOTALL | re.MULTILINE)
        if documentation:
            yield from choosing(yaml.safe_load(documentation[1]).get("options") or {}, f"{Path(path).stem}.")


CHOICES = dict([*of_roles(), *of_modules()])
LINES = [
    line
    for path in files("tests/*.py", "tests/*.yml", "molecule/*.py", "molecule/*.yml")
    for line in text(path).splitlines()
]


def unnamed(path: str, option: Mapping[str, Any]) -> set[str]:
    """Return the values that stand in no line beside the last part of the option's name."""
    name = ROLE.sub("", path.rpartition(".")[2])
    with_name = re.compile(rf"\b(?:\w+_)?{re.escape(name)}\b")
    # The pattern would be tried at each word of each line; few lines have the text at all.
    beside = " ".join(line for line in LINES if name in line and with_name.search(line))
    values = {str(value) for value in option["choices"]} - {"", str(option.get("default"))}
    return {value for value in values if not re.search(rf"\b{re.escape(value)}\b", beside)}


@pytest.mark.parametrize("path", [path for path in CHOICES if path not in ELSEWHERE])
def test_each_choice_is_named_by_a_test_or_scenario(path: str) -> None:
    assert unnamed(path, CHOICES[path]) == set()


def test_a_choice_that_no_test_names_is_detected() -> None:
    other = "unheard_of"
    assert unnamed("otel_operator_foreign", {"choices": ["adopt", other]}) == {other}


def test_options_that_act_elsewhere_exist() -> None:
    assert set(ELSEWHERE) <= set(CHOICES)
