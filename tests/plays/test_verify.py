# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook verify succeeds only if it has sent something, or says of each collector why it was not tested."""

from __future__ import annotations

from pathlib import Path

from tests.support import plays

COLLECTORS = {"otel_collectors": [{"recipes": ["otlp_ingest", "debug_output"]}]}


def test_an_empty_list_of_probes_is_no_test(tmp_path: Path) -> None:
    hosts = {"eu": {**COLLECTORS, "otel_collector_verify_probes": []}}
    done = plays.run(tmp_path, "playbooks/verify.yml", hosts, "--skip-tags", "otel_target")
    assert done.returncode != 0, done.stdout
    told = " ".join(done.stdout.split())
    assert "otel_collector_verify_probes is empty, so no test data would be sent" in told
