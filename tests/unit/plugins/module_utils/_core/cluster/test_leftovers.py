# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a namespace, whatever kind it is of and whoever owns it."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref

from .test_bundle import controlled, obj


def test_what_belongs_to_what_goes_goes_too_however_far() -> None:
    thing = obj("Thing", "t", api="example.com/v1", metadata=controlled("Deployment", "d"))
    made = obj("ConfigMap", "c", metadata=controlled("Thing", "t"))
    assert bundle.leftovers([made, thing], {("apps", Ref("Deployment", "ns", "d"))}) == []
    assert len(bundle.leftovers([made, thing], set())) == 2


def test_an_object_of_another_api_group_with_the_same_name_counts() -> None:
    knative = obj("Service", "gateway", api="serving.knative.dev/v1")
    assert bundle.leftovers([knative], {("", Ref("Service", "ns", "gateway"))}) == [Ref("Service", "ns", "gateway")]
