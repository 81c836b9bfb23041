# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ConfigMap with the config of a collector."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.config_map import (
    render_config_map,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod import render_pod_template

from ...helpers import METADATA, build, manifest


def test_a_config_is_an_immutable_object_of_its_own_which_the_pod_names() -> None:
    named = METADATA | {"name": "gateway-0123456789"}
    new = replace(build(), config_hash="0123456789abcdef")
    assert render_config_map(new) == manifest(
        "v1", "ConfigMap", named, immutable=True, data={"config": "the: config\n"}
    )
    assert render_pod_template(new)["spec"]["volumes"][0]["configMap"]["name"] == "gateway-0123456789"
