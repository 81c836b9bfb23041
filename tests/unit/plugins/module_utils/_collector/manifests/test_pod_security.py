# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user of a collector's pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod_security import (
    render_pod_security,
)

from ...helpers import build, cases, running

RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
AS_ROOT = {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}
JOURNAL = running(receivers={"journald": {}})


@cases("config, user, security", (None, None, RESTRICTED), (JOURNAL, None, AS_ROOT), (JOURNAL, 10001, AS_ROOT))
def test_the_user_follows_from_the_platform_and_the_config(config: Any, user: int | None, security: Any) -> None:
    assert render_pod_security(replace(build(config), run_as_user=user)) == security


@pytest.mark.parametrize(("mode", "root"), [("daemonset", True), ("statefulset", False), ("deployment", False)])
def test_state_on_the_node_is_kept_as_root_because_its_folder_is_roots(mode: str, root: bool) -> None:
    keeping = running(extensions={"file_storage": None})
    assert (render_pod_security(build(keeping, mode=mode)).get("runAsUser") == 0) is root
