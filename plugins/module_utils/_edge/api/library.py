# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Third parties, imported where they are used. Private."""

from __future__ import annotations

import importlib
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ..._core.errors import Problem


def library(name: str, package: str = "") -> Any:
    """Import what is heavy or may be missing only where it is used."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Problem(missing_required_lib(package or name), where=str(error)) from error
