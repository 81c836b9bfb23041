# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An option is pasted into the pipelines of its signal."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.removal_options import (
    build_filter_option,
    build_noise_recipe,
)


def test_what_is_pasted_names_the_pipelines_of_the_signal() -> None:
    option = build_filter_option("noise", "logs", "log_record", "true")
    pasted = option.build_pasted_options(["logs/pods", "logs/host", "traces"])["config"]
    assert set(pasted["service"]["pipelines"]) == {"logs/pods", "logs/host"}
    assert build_noise_recipe(attributes=["a"]).build_pasted_options([]) == {
        "recipes": [{"drop_noise": {"probe_paths": [], "minimum_severity": "trace", "attributes": ["a"]}}]
    }
