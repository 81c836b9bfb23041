# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where processors belong in a pipeline."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.sorted_processors import processor_rank


def test_old_and_new_names_rank_the_same() -> None:
    assert processor_rank("k8sattributes") == processor_rank("k8s_attributes/2") < processor_rank("batch")
    assert processor_rank("resourcedetection/x") == processor_rank("resource_detection")


def test_noise_is_removed_after_the_filter_has_read_it() -> None:
    assert max(map(processor_rank, ("attributes/a", "resource/a"))) < processor_rank("filter/noise")
    assert processor_rank("filter") < processor_rank("resource/noise") == processor_rank("attributes/noise")
    assert processor_rank("attributes/noise") < processor_rank("tail_sampling")
