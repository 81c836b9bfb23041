# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error names no line of this collection, which a user cannot mend, and still the line of a user's own task."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.release import __version__

from tests.support import plays

WRONG = {"my_cluster": {"otel_collectors": [{"name": "gateway", "recipes": ["no_such_recipe"]}]}}
SAID = "there is no recipe 'no_such_recipe'"


@pytest.mark.parametrize("name", ["render", "site"])
def test_an_error_of_the_inventory_names_no_line_of_the_collection(tmp_path: Path, name: str) -> None:
    done = plays.run(tmp_path, f"playbooks/{name}.yml", WRONG, "-e", "otel_collector_state=rendered")
    assert SAID in done.stdout + done.stderr
    assert "Origin:" not in done.stdout + done.stderr


def test_a_task_of_a_user_keeps_its_line(tmp_path: Path) -> None:
    task = {"o11y.opentelemetry.otel_render": {"collectors": WRONG["my_cluster"]["otel_collectors"]}}
    play = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [task]}]
    done = plays.run(tmp_path, play, {"one": {}})
    said = done.stdout + done.stderr
    assert SAID in said
    names_origins = not __version__.startswith("2.18.")
    assert ("Origin:" in said) == names_origins
    assert (str(tmp_path / "play.json") in said) == names_origins
