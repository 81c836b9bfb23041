# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what more collectors cost in one render: validated, rendered and written to a file; needs no cluster."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests import conftest

from .timing import EMPTY, PROJECT, Way, command, empty, measure, median, table

MORE = 119
ONE, MANY = "render of one collector", f"render of {MORE + 1} collectors"


def main() -> None:
    """Measure all ways, and print the table."""
    os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(conftest.COLLECTIONS))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        taken = measure([empty(folder), _way(folder, ONE, 1), _way(folder, MANY, MORE + 1)])
    table(taken, EMPTY, {})
    one, many = median(taken[ONE]), median(taken[MANY])
    print(f"{MORE} more collectors against a run with one: {(many.wall - one.wall) / one.wall:.2f} x, ", end="")
    print(f"CPU {(many.cpu - one.cpu) / one.cpu:.2f} x")


def _way(folder: Path, name: str, count: int) -> Way:
    variables = folder / f"{count}.json"
    settings = {"otel_collector_state": "rendered", "otel_collector_output_path": str(folder / str(count))}
    variables.write_text(json.dumps({**settings, "otel_collectors": [_collector(number) for number in range(count)]}))
    site = ["ansible-playbook", str(PROJECT / "playbooks/site.yml"), "-i", "localhost,", "-e", f"@{variables}"]
    return command(name, [*site, "--skip-tags", "otel_target"])


def _collector(number: int) -> dict[str, Any]:
    forward = {"endpoint": f"gateway-{number}:4317", "insecure": True}
    return {
        "name": f"agent-{number}",
        "recipes": ["otlp_ingest", "debug_output", "kubernetes_attributes", {"otlp_forward": forward}],
    }
