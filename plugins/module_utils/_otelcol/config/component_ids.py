# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the Collector reads the ids of components, and the keys of pipelines. Private.

For example, `otlp / a` in a pipeline names the receiver `otlp/a`. Source: ID.UnmarshalText of component/identifiable.go
in opentelemetry-collector.
"""

from __future__ import annotations

from typing import Any


def trim_id(component_id: Any) -> Any:
    """Return an id as the Collector reads it: without white space around type and name."""
    if not isinstance(component_id, str):
        return component_id
    kind, slash, name = component_id.partition("/")
    return kind.strip() + slash + name.strip()
