# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_check: checks what the host would get from the controller.

The module checks on the host whether collectors can be installed there. It compares the clock of the host with that of
the controller. This side checks the programs that the controller would copy to the host. The result has a line for each
fault, such as `agent: error: …`, and then `1 error`.

The module returns `faults` and `warned` (each a list of `HostFinding`), `unlisted` (collectors there that the inventory
does not list) and `awaiting` (collectors whose program the host has to get from the controller).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._otelcol.errors import Problem, clean_text
from ..module_utils._otelcol.rules.report_model import format_count
from ..plugin_utils._copied_program import check_program_sum
from ..plugin_utils._needed import fail_for_missing_needs
from ..plugin_utils._otelcol import _files
from ..plugin_utils._unlisted_hosts import describe_unlisted

_MODULE_NAME = "o11y.opentelemetry.host_check"
# What the report calls the host itself, for a finding that is about no collector.
_HOST_TITLE = "host"


class HostFinding(TypedDict):
    """A fault or a warning of the result. `collector` is empty if the finding is about the host itself."""

    collector: str
    message: str


class ActionModule(ActionBase):
    """Runs the module on the host, and checks on the controller what the host would get from there."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return all faults and warnings, and a report of them in lines.

        A host on which no module runs as root has that one fault.
        """
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        variables = task_vars or {}
        bundles = self._task.args.get("bundles") or []
        result = self._run_module(bundles, variables)
        faults: list[HostFinding] = [*result.get("faults", ()), *_find_program_faults(bundles, result)]
        warnings: list[HostFinding] = list(result.get("warned", ()))
        host = str(variables.get("inventory_hostname") or "the host")
        for name in result.pop("unlisted", ()):
            warnings.append({"collector": name, "message": describe_unlisted(host, name)})
        report_lines = list(_format_findings(faults, warnings))
        return {**result, "warned": warnings, "faults": faults, "report": report_lines}

    def _run_module(self, bundles: Sequence[Mapping[str, Any]], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the module; one fault instead if Ansible cannot run it as root.

        Raises AnsibleConnectionFailure, of which Ansible makes an unreachable host.
        """
        shown_bundles = [_hide_secrets(bundle) for bundle in bundles]
        arguments = {**self._task.args, "bundles": shown_bundles, "controller_time": time.time()}
        try:
            result = dict(self._execute_module(module_name=_MODULE_NAME, module_args=arguments, task_vars=variables))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        # A module that has begun returns its arguments under this key, also if it fails.
        has_begun = "invocation" in result
        if result.get("failed") and not has_begun:
            return {"changed": False, "faults": [_explain_unstarted_module(result)]}
        return result


def _explain_unstarted_module(result: Mapping[str, Any]) -> HostFinding:
    """Return the fault of a host on which Ansible could not start the module."""
    outputs = [result.get(key) or "" for key in ("module_stderr", "module_stdout", "msg")]
    reason = " ".join(map(str, outputs)).strip()
    wrong = f"Ansible cannot run a module there as root: {clean_text(reason)}"
    fix = "Check `become`, what sudo allows (playbook `rights`), and Python 3.8 or newer on the host."
    return {"collector": "", "message": str(Problem(wrong, fix=fix))}


def _hide_secrets(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle without the text of credentials, which a check does not need."""
    hidden_rows = []
    for row in bundle.get("credentials") or []:
        has_text = row.get("content") is not None
        hidden_rows.append({**row, "content": ""} if has_text else row)
    return {**bundle, "credentials": hidden_rows}


def _find_program_faults(bundles: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> Iterator[HostFinding]:
    """Yield the faults of programs that the host has to get from the controller.

    The module names the collectors of these programs in `awaiting`.
    """
    for bundle in bundles:
        if bundle["name"] not in result.get("awaiting", ()):
            continue
        program_row = bundle["program"]["architectures"][result["architecture"]]
        try:
            check_program_sum(_files.expand_path(program_row["file"]), program_row["sha256"])
        except Problem as problem:
            yield {"collector": bundle["name"], "message": str(problem)}


def _format_findings(faults: Sequence[HostFinding], warnings: Sequence[HostFinding]) -> Iterator[str]:
    """Yield a line for each finding, such as `agent: error: …`, and then how many faults there are."""
    for finding in faults:
        yield f"{finding['collector'] or _HOST_TITLE}: error: {finding['message']}"
    for finding in warnings:
        yield f"{finding['collector'] or _HOST_TITLE}: warning: {finding['message']}"
    yield format_count(len(faults), "error") if faults else "No faults: the collectors can be installed."
