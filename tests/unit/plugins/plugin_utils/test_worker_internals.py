# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker takes from inside this ansible-core is there, and a switch turns the worker off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _worker_internals

from .test_worker import same_python

OPTIONS: dict[str, Any] = {
    "token": {"no_log": True},
    "number": {"type": "int"},
    "name": {"aliases": ["old"], "deprecated_aliases": [{"name": "old", "version": "9", "collection_name": "a.b"}]},
}


def checked(**values: Any) -> Any:
    return ArgumentSpecValidator(OPTIONS).validate(values)


def test_the_worker_hides_what_a_module_hides() -> None:
    assert _worker_internals.find_hidden_values(checked(token="secret", name="a")) == {"secret"}


def test_options_that_ansible_has_a_remark_on_are_left_to_the_module() -> None:
    assert not _worker_internals.has_remarks(checked(name="a"))
    assert all(map(_worker_internals.has_remarks, (checked(old="a"), checked(number="a"), checked(other=1))))


def test_the_setting_of_ansible_says_whether_a_result_has_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = _worker_internals.constants
    known = hasattr(constants, "INJECT_INVOCATION")
    for value in ("true", "false"):
        monkeypatch.setenv("ANSIBLE_INJECT_INVOCATION", value)
        assert _worker_internals.shows_arguments({}) is (value == "true" or not known)


def test_a_switch_lets_every_module_run_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, runs_here in {"": True, "true": True, "false": False, "no": False, "0": False}.items():
        monkeypatch.setenv(_worker_internals.SWITCH_VARIABLE, value)
        assert same_python({}) is runs_here, value
