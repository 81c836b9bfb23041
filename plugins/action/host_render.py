# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_render. `plugin_utils/_host_render.py` does the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..plugin_utils import _host_render, _host_request
from ..plugin_utils._action import ControllerAction, read_argument_spec
from ..plugin_utils._inventory_groups import build_inventory_groups
from ..plugin_utils._otelcol import _findings
from ..plugin_utils._otelcol._garbage import freeze_present_objects


class ActionModule(ControllerAction):
    options = staticmethod(_host_request.list_host_option_names)

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return a bundle for each collector, and every finding. A bundle with a secret is hidden."""
        groups = build_inventory_groups(self.variables)
        request = replace(_host_request.HostRequest.from_arguments(arguments), groups=groups)
        judgement = _findings.JudgementOptions.from_arguments(arguments)
        rendered = _host_render.render_hosts(request, judgement, self._display.warning, arguments["fail_on"])
        has_secrets = any(
            "content" in credential for bundle in rendered["bundles"] for credential in bundle["credentials"]
        )
        return {**rendered, "has_secrets": has_secrets, "_ansible_no_log": has_secrets}


# Ansible imports this in its main process, which then starts a process for each host: all of them have what is read.
read_argument_spec("host_render")
_host_render.preload_shared_data()
freeze_present_objects()
