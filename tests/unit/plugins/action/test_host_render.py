# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's main process reads once what all hosts need, before it starts a process for each of them."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import COLLECTIONS
from tests.support.cluster import PROJECT

# In a process of its own, as a worker has nothing but what the main process had read.
_WORKER = """
from ansible_collections.o11y.opentelemetry.plugins.action import host_render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from tests.support import hosts

def misses():
    return _documents.parse_document.cache_info().misses

before = misses()
hosts.render_host({"otel_host_program": {"path": "/usr/bin/otelcol"}, "otel_host_collectors": [
    {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway:4317"}}]}]})
print(before, misses() - before)
"""
# What the recipes render to for this collector, since each text is parsed once.
_OWN_TEXTS = 3


def test_the_import_of_the_action_reads_what_hosts_share() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [COLLECTIONS, PROJECT, *sys.path]))}
    command = [sys.executable, "-c", _WORKER]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    before, own = map(int, ran.stdout.split())
    assert before > _OWN_TEXTS
    assert own <= _OWN_TEXTS
