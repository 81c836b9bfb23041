# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a playbook before its first task if ../refusal.py refuses its scenario. It has no variables."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.vars import BaseVarsPlugin


class VarsModule(BaseVarsPlugin):
    """Ansible asks it for the variables of each host, before the first task."""

    def get_vars(self, loader: Any, path: str, entities: Any) -> dict[str, Any]:  # noqa: ARG002 # Ansible's names
        if os.environ.get("O11Y_TESTBED_KIND") == "external":
            sys.path.insert(0, os.environ["MOLECULE_PROJECT_DIRECTORY"])
            if refusal := import_module("tests.support.refusal").refused(os.environ):
                raise AnsibleError(refusal)
        return {}
