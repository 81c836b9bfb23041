# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/rules.md says what the rules are, and its examples are what the rules find."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}


def test_the_page_is_current() -> None:
    done = subprocess.run([sys.executable, "-m", "tools.rules"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_rule_has_a_section_and_a_row() -> None:
    assert list(SECTIONS) == [rule.id for rule in RULES]
    assert all(f"| [{rule.id}](#{rule.id}) |" in PAGE for rule in RULES)


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES])
def test_its_examples_are_short_yaml(rule_id: str) -> None:
    wrong, right = re.findall(r"```yaml\n(.*?)```", SECTIONS[rule_id], flags=re.DOTALL)
    assert yaml.safe_load(wrong) is not None
    assert yaml.safe_load(right) is not None
    assert max(len(wrong.splitlines()), len(right.splitlines())) <= 24


def test_readers_find_the_page() -> None:
    assert "(docs/rules.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
