# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as a module documents them, with those of its fragments: for Ansible and for a command line. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _yaml


def read_documented_options(
    documentation: str, module: str, fragment_text: Callable[[str, str], str]
) -> dict[str, Any]:
    """Return the options in the documentation of a module by their names; its own go before those of a fragment.

    `fragment_text` returns the part of a fragment, such as `BUILD` of `_controller`.
    """
    documented = _yaml.load(documentation, module).data
    options: dict[str, Any] = {}
    for name in documented["extends_documentation_fragment"]:
        _namespace, _collection, file, part = (*name.split("."), "documentation")[:4]
        options |= _yaml.load(fragment_text(file, part.upper()), name).data.get("options") or {}
    return options | (documented.get("options") or {})
