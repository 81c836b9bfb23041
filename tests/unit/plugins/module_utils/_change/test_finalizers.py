# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an object that is to be deleted."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.finalizers import describe_finalizers

from .manifests import obj


def test_who_holds_what_is_to_go() -> None:
    held = obj("X", metadata={"finalizers": ["opentelemetrycollector.opentelemetry.io/finalizer", "e.com/x"]})
    told = "opentelemetrycollector.opentelemetry.io/finalizer: the OpenTelemetry operator, which must run for that"
    assert describe_finalizers(held) == f" (finalizers: {told}, e.com/x)"
    assert describe_finalizers(obj("X")) == ""
