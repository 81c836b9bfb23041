# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse scenarios that install or remove CustomResourceDefinitions on a cluster of yours.

Molecule gives this to every verification as a plugin of pytest, and to every playbook by vars_plugins/refusal.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest


def refused(environment: Mapping[str, str]) -> str:
    """Return why the scenario of an environment must not run on the cluster of that environment, or nothing."""
    if environment.get("O11Y_TESTBED_KIND") != "external":
        return ""
    # Most runs end above, and need not import it.
    reason = import_module("tests.testbed.install").unfit_scenario(Path(environment["MOLECULE_SCENARIO_DIRECTORY"]))
    return f"this scenario is not for a cluster of yours: {reason.why}; {reason.do}" if reason else ""


def pytest_configure() -> None:
    """End a verification before its first test."""
    if refusal := refused(os.environ):
        pytest.exit(refusal, returncode=1)
