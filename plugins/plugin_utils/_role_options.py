# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the roles of this collection, as their argument_specs.yml document them. Controller only. Private.

No other place lists options: actions validate the options of a collector by what `read_role_options` returns. For
example, `read_role_options("otel_host_", ["user"])` returns `{"user": {"type": "str", "description": …}}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from ._option_values import add_value_kinds
from ._otelcol import _documents
from ._role_files import ROLE


def read_role_options(prefix: str, names: Iterable[str]) -> dict[str, Any]:
    """Return options of the role whose variables have this prefix, by their names without the prefix."""
    spec = read_all_role_options(prefix.removesuffix("_"))
    return {name: spec[prefix + name] for name in names}


def read_all_role_options(role: str) -> dict[str, Any]:
    """Return all options of a role by the names of their variables, those of a collector with their kinds of values."""
    specifications = _documents.read_yaml(ROLE.with_name(role) / "meta" / "argument_specs.yml")["argument_specs"]
    return add_value_kinds(role, specifications["main"]["options"])


@cache
def list_roles() -> tuple[str, ...]:
    """Return the roles of this collection, which document their options."""
    return tuple(sorted(path.parent.parent.name for path in ROLE.parent.glob("*/meta/argument_specs.yml")))
