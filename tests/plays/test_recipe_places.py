# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding about what a recipe renders names the line of the inventory in which the recipe or its option stands."""

from __future__ import annotations

from pathlib import Path

from tests.support import plays

INVENTORY = """\
all:
  hosts:
    one:
      otel_collectors:
        - name: a
          recipes:
            - otlp_ingest: {signals: [traces]}
            - otlp_forward:
                endpoint: "backend.example.com:4317"
                headers:
                  colour: red
                  api-key: correct-horse-battery
"""


def test_findings_of_recipes_have_a_line(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yml"
    file.write_text(INVENTORY)
    done = plays.run_playbook("-i", str(file), "playbooks/render.yml")
    assert done.returncode
    line = next(line for line in done.stdout.splitlines() if "plaintext-secret" in line)
    assert f"{file}:12" in line, done.stdout
    assert "correct-horse-battery" not in done.stdout
