# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of role otel_sample_app to objects. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._core.errors import Problem
from ..module_utils._core.manifests.sample_app import SampleApp, bundle, option_names
from ..module_utils._core.releases import lock
from . import _arguments, _sources

ROLE = _sources.ROLE.with_name("otel_sample_app")
PREFIX = "otel_sample_app_"
PLATFORM = "platform"
_IMAGES = ("image", "sdk_image")
_COUNTED = ("namespace", "selector", "metrics_port")


def render(
    options: Mapping[str, Any],
    collectors: Sequence[Mapping[str, Any]],
    probes: Sequence[Mapping[str, Any]] = (),
    platform_paths: Sequence[str] = (),
    pin: lock.Pin = lock.unpinned,
) -> dict[str, Any]:
    """Return the objects, and how to call them. Raises Problem for invalid options."""
    known = _sources.role_options(PREFIX, (*option_names(), PLATFORM))
    found = _arguments.checked(options, known, "the sample application")
    platforms = _sources.find(platform_paths, "platforms")
    # null leaves the user of a pod to the cluster.
    assigns_user = _sources.platform(found.pop(PLATFORM), platforms)["run_as_user"] is None
    found |= {name: _pinned(found[name], pin) for name in _IMAGES}
    source = (ROLE / "files" / "app.py").read_text(encoding="utf-8")
    rendered = bundle(SampleApp(**found), collectors, source, assigns_user)
    arrival: Mapping[str, Any] = next((item["arrival"] for item in probes if item["name"] == rendered["collector"]), {})
    return {**rendered, "counts": {key: value for key, value in arrival.items() if key in _COUNTED}}


def _pinned(image: str, pin: lock.Pin) -> str:
    """Return an image with its digest. A lock holds the images if the inventory sets one of them."""
    try:
        return pin(image)
    except Problem as problem:
        fix = f"Set `{PREFIX}image` in the inventory, and run `{lock.LOCK_IT}`."
        raise Problem(problem.wrong, asked=problem.asked, where=problem.where, fix=fix) from problem
