# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target build of a migration: the version and the distribution of the Collector that will run a config. Private.

For example, the user gives version 0.158.0. A config beside the image `otel/opentelemetry-collector-k8s:0.130.0` is
then migrated to k8s 0.158.0, and a config without an image to contrib 0.158.0.
"""

from __future__ import annotations

from dataclasses import replace

from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from . import _builds, _images, _input_model
from ._build_request import BuildRequest


def choose_target(request: BuildRequest, config_input: _input_model.Input) -> TargetBuild:
    """Return the target build. Missing parts come from the image beside the config, or from the tested versions.

    Raises Problem if there is none.
    """
    # The image names the build of today, so it is kept from `resolve_build`, which would take the version from it.
    request_with_distribution = replace(request, distribution=_choose_distribution(request, config_input))
    target = _builds.resolve_build(request_with_distribution, image="")
    if target is None and request.distribution == _builds.ANY:
        wrong = f"distribution '{_builds.ANY}' is for validations, and a migration needs one target build"
        raise Problem(wrong, fix="Give a distribution, such as contrib.")
    if target is None:
        raise Problem("the target build is missing", fix="Give `distribution` and `version`.")
    return target


def _choose_distribution(request: BuildRequest, config_input: _input_model.Input) -> str:
    """Return the distribution of the request, or else that of the image; '' beside a manifest or a schema."""
    if request.distribution:
        return request.distribution
    image = config_input.platform_context.image
    image_build = _images.recognise_image(image) if image else None
    if image_build and not request.manifest:
        return image_build.distribution
    return "" if request.manifest or request.schema else _builds.DEFAULT
