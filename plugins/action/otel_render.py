# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module otel_render: renders the collectors of a cluster from the options of role otel_collector.

It renders here. It reads one thing of the cluster, by another module: the critical components, if a recipe asks for
those that the cluster has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.options import list_option_names
from ..module_utils._kube.cluster_variables import OPTIONS_BY_ENDING
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.report_model import NEVER
from ..plugin_utils import _inventory, _lock_file, _render_request, _rendered
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._answers import hide_if_secret
from ..plugin_utils._inventory_groups import build_inventory_groups
from ..plugin_utils._objects import dump_objects
from ..plugin_utils._otelcol import _findings

_COMPONENT_INFO_MODULE = "o11y.opentelemetry.critical_component_info"


class ActionModule(ControllerAction):
    """Renders the collectors of the inventory."""

    options = staticmethod(list_option_names)

    @staticmethod
    def _check_inventory(variables: Mapping[str, Any]) -> None:
        """Reject files of the inventory that Ansible reads in another way than they say. May raise Problem."""
        _inventory.check_inventory(variables)

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the bundle of all collectors and every finding. Fails for findings as severe as `fail_on`."""
        if arguments["for_removal"] and arguments["rule_paths"]:  # no rule keeps a collector from being removed
            arguments |= {"rule_paths": [], "severities": {}, "suppressions": []}
        if self._needs_cluster_components(arguments):
            arguments |= {"critical_components": self._read_cluster_components(arguments["variables_prefix"])}
        request = _render_request.RenderRequest.from_arguments(arguments)
        judgement = _findings.JudgementOptions.from_arguments(arguments)
        request = replace(request, groups=build_inventory_groups(self.variables))
        if arguments["for_removal"]:
            return hide_if_secret(_rendered.render_for_removal(request, judgement, self._display.warning))
        only_reports = arguments["fail_on"] == NEVER
        request = replace(request, pin=_lock_file.choose_pin(arguments["lock_file"], lenient=only_reports))
        rendered = _rendered.render_collectors(request, judgement, self._display.warning, arguments["fail_on"])
        if arguments["tests"] and not only_reports:
            self._run_tests(arguments, rendered["collectors"])
        if arguments["show"]:
            shown_objects = dump_objects(rendered["manifests"], masked=True)
            self._display.display(f"# {arguments['show']}\n{shown_objects}")
        return hide_if_secret(rendered)

    def _run_tests(self, arguments: Mapping[str, Any], collectors: list[dict[str, Any]]) -> None:
        """Run the user's tests of the rendered configs. Raises Problem if one fails."""
        from ..plugin_utils._otelcol._testing import config_tests  # noqa: PLC0415 - most inventories name no tests

        test_settings = {"binary": arguments["tests_binary"], "isolation": arguments["tests_isolation"]}
        config_tests.run_tests_before_apply(arguments["tests"], test_settings, collectors, self._display.warning)

    @staticmethod
    def _needs_cluster_components(arguments: Mapping[str, Any]) -> bool:
        """Whether a recipe asks for the critical components that the cluster has, and nobody has looked yet.

        `variables_prefix` is needed to find the cluster. A removal needs none of it.
        """
        has_components = arguments["critical_components"] is not None
        if arguments["for_removal"] or has_components or not arguments["variables_prefix"]:
            return False
        collectors = [arguments["defaults"], *arguments["collectors"]]
        return any(critical_use.detects_components(collector.get("recipes") or ()) for collector in collectors)

    def _read_cluster_components(self, prefix: str) -> list[str]:
        """Return the critical components of the cluster. Raises Problem if it cannot be read."""
        component_info = self._run_module(_COMPONENT_INFO_MODULE, self._read_connection_options(prefix))
        if component_info.get("failed"):
            raise Problem(str(component_info.get("msg")))
        return list(component_info["components"])

    def _read_connection_options(self, prefix: str) -> dict[str, Any]:
        """Return how to connect to the cluster, by the variables of the role, such as otel_collector_kubeconfig."""
        templates_by_option: dict[str, Any] = {}
        for ending, option in OPTIONS_BY_ENDING.items():
            template = self.variables.get(prefix.removesuffix("_") + ending)
            if template:
                templates_by_option[option] = template
        connection_options = self._templar.template(templates_by_option)
        return {option: value for option, value in connection_options.items() if value}

    def _run_module(self, module_name: str, module_options: dict[str, Any]) -> dict[str, Any]:
        """Return the result of another module of this collection, run by its action as a task would."""
        task = self._task.copy()
        task.action = module_name
        task.args = module_options
        action = self._shared_loader_obj.action_loader.get(
            module_name,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        return dict(action.run(task_vars=dict(self.variables)))
