# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config as a custom resource must have it: without null, which the API server drops or refuses. Private.

`open_telemetry_collector.py` puts the config into the custom resource. Example: `{receivers: {otlp: null}, processors:
{}}` becomes `{receivers: {otlp: {}}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import SECTIONS, mapping_at

# The sections that are left out if they have no components.
_OPTIONAL_SECTIONS = ("connectors", "extensions", "processors")


def make_config_explicit(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with `{}` for each component and protocol that is null: tools drop null from an object.

    Deeper inside, null can mean something of its own, and stays. An optional section without components is left out:
    the API server makes null of `{}` where server-side apply removes the last component, and then rejects it.
    """
    explicit_config = {}
    for name, value in config.items():
        section = _make_section_explicit(name, value)
        is_left_out = section == {} and name in _OPTIONAL_SECTIONS
        if section is not None and not is_left_out:
            explicit_config[name] = section
    return explicit_config


def _make_section_explicit(name: str, section: Any) -> Any:
    if name in SECTIONS:
        return _fill_null_components(section)
    if name == "service":
        return _drop_null_fields(section)
    return section


def _fill_null_components(components: Any) -> Any:
    """Return a section with `{}` for each component, and each protocol of a component, that is null."""
    if not isinstance(components, dict):
        return components
    return {str(key): _fill_null_protocols(value) for key, value in components.items()}


def _fill_null_protocols(settings: Any) -> Any:
    """Return settings of a component: `{}` for null, and `{}` for each protocol that is null."""
    if settings is None:
        return {}
    if not mapping_at(settings, "protocols"):
        return settings
    protocols = {key: {} if value is None else value for key, value in settings["protocols"].items()}
    return {**settings, "protocols": protocols}


def _drop_null_fields(service: Any) -> Any:
    """Return section `service` without null: the CRD knows its fields and refuses null in them."""
    if not isinstance(service, dict):
        return service
    given_fields = {key: value for key, value in service.items() if value is not None}
    pipelines = mapping_at(given_fields, "pipelines")
    if pipelines:
        given_fields["pipelines"] = {name: _drop_null_roles(pipeline) for name, pipeline in pipelines.items()}
    return given_fields


def _drop_null_roles(pipeline: Any) -> Any:
    """Return a pipeline without the lists, such as `processors`, that are null."""
    if not isinstance(pipeline, dict):
        return pipeline
    return {key: value for key, value in pipeline.items() if value is not None}
