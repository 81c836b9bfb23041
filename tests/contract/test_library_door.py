# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the library lists each name that the rest of the collection uses of it, and its examples are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import PurePosixPath

import pytest

from tools import door

COLLECTION = "ansible_collections.o11y.opentelemetry.plugins"
DOOR = door.collect_library_names()
NAMES = [(module, name) for module, names in sorted(DOOR.items()) for name in sorted(names)]


def test_the_page_is_current() -> None:
    assert door.PAGE_FILE.read_text(encoding="utf-8") == door.build_page(), "run `python -m tools.door --write`"


def test_the_examples_of_the_page_are_true() -> None:
    example = doctest.DocTestParser().get_doctest(
        door.PAGE_FILE.read_text(encoding="utf-8").replace("```", "\n"), {}, door.PAGE_FILE.name, str(door.PAGE_FILE), 0
    )
    assert example.examples
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert result.failed == 0, "".join(said)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: PurePosixPath(value).stem)
def test_what_passes_the_door_is_public_and_says_what_it_is(module: str, name: str) -> None:
    dotted = ".".join(PurePosixPath(module).with_suffix("").parts)
    passed = getattr(import_module(f"{COLLECTION}.{dotted}"), name)
    assert not name.startswith("_")
    if callable(passed):
        assert passed.__doc__, f"{name} of {module} has no docstring"


def test_another_name_would_be_noticed() -> None:
    names = set(door.find_used_names(PurePosixPath("plugins/module_utils/_kube/ownership.py")))
    assert names <= {(module, name) for module, of_module in DOOR.items() for name in of_module}
    assert names
