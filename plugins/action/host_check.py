# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_check: the controller's clock, and the programs that it would copy."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._otelcol.errors import Problem, clean_text
from ..module_utils._otelcol.rules.report_model import format_count
from ..plugin_utils._copied_program import check_program_sum
from ..plugin_utils._needed import fail_for_missing_needs
from ..plugin_utils._unlisted_hosts import describe_unlisted

_MODULE_NAME = "o11y.opentelemetry.host_check"
_HOST_TITLE = "host"


class ActionModule(ActionBase):
    """Runs the module on the host, and checks on the controller what the host would get from there."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return all faults. A host on which no module runs as root has that one fault."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        bundles = self._task.args.get("bundles") or []
        shown_bundles = [_hide_secrets(bundle) for bundle in bundles]
        arguments = {**self._task.args, "bundles": shown_bundles, "controller_time": time.time()}
        result = self._check_arguments(arguments, task_vars)
        faults = [*result.get("faults", ()), *_find_program_faults(bundles, result)]
        host = str((task_vars or {}).get("inventory_hostname") or "the host")
        warnings = list(result.get("warned", ()))
        for name in result.pop("unlisted", ()):
            warnings.append({"collector": name, "message": describe_unlisted(host, name)})
        return {**result, "warned": warnings, "faults": faults, "report": list(_format_findings(faults, warnings))}

    def _check_arguments(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Return the result of the module; one fault instead if Ansible cannot run it as root.

        Raises AnsibleConnectionFailure, of which Ansible makes an unreachable host.
        """
        try:
            result = dict(self._execute_module(module_name=_MODULE_NAME, module_args=arguments, task_vars=task_vars))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        if result.get("failed") and "invocation" not in result:  # the module has not begun
            reason = (
                f"{result.get('module_stderr') or ''} {result.get('module_stdout') or ''} {result.get('msg') or ''}"
            )
            fix = "Check `become`, what sudo allows (playbook `rights`), and Python 3.8 or newer on the host."
            fault = Problem(f"Ansible cannot run a module there as root: {clean_text(reason.strip())}", fix=fix)
            return {"changed": False, "faults": [{"collector": "", "message": str(fault)}]}
        return result


def _hide_secrets(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle without the text of credentials, which a check does not need."""
    hidden_rows = []
    for row in bundle.get("credentials") or []:
        has_text = row.get("content") is not None
        hidden_rows.append({**row, "content": ""} if has_text else row)
    return {**bundle, "credentials": hidden_rows}


def _find_program_faults(bundles: list[dict[str, Any]], result: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the faults of programs that the host awaits from the controller."""
    for bundle in bundles:
        if bundle["name"] not in result.get("awaiting", ()):
            continue
        program_row = bundle["program"]["architectures"][result["architecture"]]
        try:
            check_program_sum(Path(program_row["file"]).expanduser(), program_row["sha256"])
        except Problem as problem:
            yield {"collector": bundle["name"], "message": str(problem)}


def _format_findings(faults: list[dict[str, str]], warnings: list[dict[str, str]]) -> Iterator[str]:
    """Yield what people read, in the form of findings."""
    for finding in faults:
        yield f"{finding['collector'] or _HOST_TITLE}: error: {finding['message']}"
    for finding in warnings:
        yield f"{finding['collector']}: warning: {finding['message']}"
    yield format_count(len(faults), "error") if faults else "No faults: the collectors can be installed."
