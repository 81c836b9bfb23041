# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import config_map

from ..helpers import METADATA, build


def test_the_config_is_one_key() -> None:
    assert config_map(build()) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": METADATA,
        "data": {"config": "the: config\n"},
    }
