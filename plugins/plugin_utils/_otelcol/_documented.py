# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as a module documents them, with those of its fragments: for Ansible and for a command line. Private.

`_action.py` and otelcoltool's options.py read the options of a module so. A fragment is documentation that several
modules share. An example: the documentation of pipeline_test ::

    extends_documentation_fragment: [o11y.opentelemetry._controller.build]
    options: {trace: {type: bool}}

has the option `trace`, and those of the part `BUILD` of the fragment `_controller`, such as `version`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _yaml


def read_documented_options(
    documentation: str, module: str, fragment_text: Callable[[str, str], str]
) -> dict[str, Any]:
    """Return what the documentation of a module says of each option; its own options go before those of a fragment.

    `fragment_text` returns the part of a fragment as YAML, by the file and the part, such as `_controller` and `BUILD`.
    """
    documented = _yaml.load(documentation, module).data
    options: dict[str, Any] = {}
    for name in documented["extends_documentation_fragment"]:
        _namespace, _collection, file, *parts = name.split(".")
        part = parts[0] if parts else "documentation"
        options |= _yaml.load(fragment_text(file, part.upper()), name).data.get("options") or {}
    return options | (documented.get("options") or {})
