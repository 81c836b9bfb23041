# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module otel_render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..module_utils._collector.options import option_names
from ..plugin_utils import _host_render, _inventory, _lock_file, _render, _rendered
from ..plugin_utils._action import ControllerAction, hidden_if_secret
from ..plugin_utils._objects import text_of_objects
from ..plugin_utils._otelcol import _findings


class ActionModule(ControllerAction):
    options = staticmethod(option_names)

    @staticmethod
    def _check_inventory(variables: Mapping[str, Any]) -> dict[str, Any]:
        """Reject files of the inventory that Ansible reads in another way than they say. May raise Problem."""
        return _inventory.check(variables)

    def work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the bundle of all collectors and every finding. Fails for findings as severe as `fail_on`."""
        if arguments["for_removal"] and arguments["rule_paths"]:  # no rule keeps a collector from being removed
            arguments |= {"rule_paths": [], "severities": {}, "suppressions": []}
        request, judgement = _render.Request.from_arguments(arguments), _findings.Judgement.from_arguments(arguments)
        request = replace(request, groups=_host_render.inventory_groups(self.variables))
        if arguments["for_removal"]:
            return hidden_if_secret(_rendered.render_for_removal(request, judgement, self._display.warning))
        pin = _lock_file.pin(arguments["lock_file"], lenient=arguments["fail_on"] == "never")
        request = replace(request, pin=pin)
        rendered = _rendered.render(request, judgement, self._display.warning, arguments["fail_on"])
        if arguments["tests"] and arguments["fail_on"] != "never":
            from ..plugin_utils._otelcol._testing import config_tests  # noqa: PLC0415 - most inventories name no tests

            how = {name.removeprefix("tests_"): arguments[name] for name in ("tests_binary", "tests_isolation")}
            config_tests.before_apply(arguments["tests"], how, rendered["collectors"], self._display.warning)
        if arguments["show"]:
            self._display.display(f"# {arguments['show']}\n{text_of_objects(rendered['manifests'], masked=True)}")
        return hidden_if_secret(rendered)
