# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template whose code another run has kept gives what it gives without it (tests/support/kept_templates.py)."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays

# Backslashes of a template are escapes in a file alone, and delimiters may be others.
TEXT, OTHER_TEXT = r"{{ 'a\tb' }}", "[[ number ]]{# a comment #}"
OTHER_DELIMITERS = "variable_start_string='[[', variable_end_string=']]'"
GIVEN = {
    "in a playbook": TEXT,
    "in a file": "{{ lookup('template', 'text.j2') }}",
    "with the usual delimiters": "{{ lookup('template', 'other.j2') }}",
    "with other delimiters": f"{{{{ lookup('template', 'other.j2', {OTHER_DELIMITERS}) }}}}",
    "of a variable": "{{ nested }}",
}
NESTED = {"nested": "{{ number + 1 }}", "number": 1}
SHOWN = {
    "in a playbook": r"a\\tb",
    "in a file": r"a\tb",
    "with the usual delimiters": "[[ number ]]",
    "with other delimiters": "1",
    "of a variable": "2",
}


def tasks() -> list[dict[str, Any]]:
    shown = [
        {"name": name, "ansible.builtin.debug": {"msg": "shown: {{ [given] | to_json }}"}, "vars": {"given": text}}
        for name, text in GIVEN.items()
    ]
    conditions = [
        {"name": condition, "ansible.builtin.debug": {"msg": "it holds"}, "when": condition}
        for condition in ("number == 1", "number == 2")
    ]
    wrong = [
        {"name": name, "ansible.builtin.debug": {"msg": text}, "ignore_errors": True}
        for name, text in {"no end": "{{ number", "no filter": "{{ number | nosuch }}"}.items()
    ]
    return [*shown, *conditions, *wrong]


@pytest.mark.skipif(find_spec("ansible._internal") is None, reason="no code is kept before ansible-core 2.19")
def test_runs_with_kept_code_print_what_the_first_one_does(tmp_path: Path) -> None:
    (tmp_path / "text.j2").write_text(TEXT, encoding="utf-8")
    (tmp_path / "other.j2").write_text(OTHER_TEXT, encoding="utf-8")
    play = {"hosts": "one", "connection": "local", "gather_facts": False, "vars": NESTED, "tasks": tasks()}
    runs = [plays.run(tmp_path, [play], {"one": {}}) for _number in range(3)]
    first = runs[0].stdout + runs[0].stderr
    assert runs[0].returncode == 0, first
    shown = re.findall(r'shown: \["?(.*?)"?\]\'?$', first, re.MULTILINE)
    assert dict(zip(GIVEN, shown, strict=True)) == SHOWN, first
    assert first.count("it holds") == 1
    assert "Syntax error in template" in first and "nosuch" in first
    assert [run.stdout + run.stderr for run in runs[1:]] == [first, first]
