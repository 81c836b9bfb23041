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

from ..module_utils._otelcol.errors import Problem, cleaned
from ..module_utils._otelcol.rules.report_model import count_in_words
from ..plugin_utils._copied_program import checked_program
from ..plugin_utils._needed import needed
from ..plugin_utils._unlisted_hosts import unlisted_line

_MODULE = "o11y.opentelemetry.host_check"
_HOST = "host"


class ActionModule(ActionBase):
    """Runs the module on the host, and checks on the controller what the host would get from there."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return all faults. A host on which no module runs as root has that one fault."""
        with needed():
            super().run(tmp, task_vars)
        bundles = self._task.args.get("bundles") or []
        shown_bundles = [_without_secrets(bundle) for bundle in bundles]
        arguments = {**self._task.args, "bundles": shown_bundles, "controller_time": time.time()}
        result = self._checked(arguments, task_vars)
        faults = [*result.get("faults", ()), *_faults_of_programs(bundles, result)]
        host = str((task_vars or {}).get("inventory_hostname") or "the host")
        warned = list(result.get("warned", ()))
        for name in result.pop("unlisted", ()):
            warned.append({"collector": name, "message": unlisted_line(host, name)})
        return {**result, "warned": warned, "faults": faults, "report": list(_report(faults, warned))}

    def _checked(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Return the result of the module; one fault instead if Ansible cannot run it as root.

        Raises AnsibleConnectionFailure, of which Ansible makes an unreachable host.
        """
        try:
            result = dict(self._execute_module(module_name=_MODULE, module_args=arguments, task_vars=task_vars))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        if result.get("failed") and "invocation" not in result:  # the module has not begun
            why = f"{result.get('module_stderr') or ''} {result.get('module_stdout') or ''} {result.get('msg') or ''}"
            fix = "Check `become`, what sudo allows (playbook `rights`), and Python 3.8 or newer on the host."
            fault = Problem(f"Ansible cannot run a module there as root: {cleaned(why.strip())}", fix=fix)
            return {"changed": False, "faults": [{"collector": "", "message": str(fault)}]}
        return result


def _without_secrets(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle without the text of credentials, which a check does not need."""
    hidden = []
    for row in bundle.get("credentials") or []:
        has_text = row.get("content") is not None
        hidden.append({**row, "content": ""} if has_text else row)
    return {**bundle, "credentials": hidden}


def _faults_of_programs(bundles: list[dict[str, Any]], result: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the faults of programs that the host awaits from the controller."""
    for bundle in bundles:
        if bundle["name"] not in result.get("awaiting", ()):
            continue
        row = bundle["program"]["architectures"][result["architecture"]]
        try:
            checked_program(Path(row["file"]).expanduser(), row["sha256"])
        except Problem as problem:
            yield {"collector": bundle["name"], "message": str(problem)}


def _report(faults: list[dict[str, str]], warned: list[dict[str, str]]) -> Iterator[str]:
    """Yield what people read, in the form of findings."""
    for one in faults:
        yield f"{one['collector'] or _HOST}: error: {one['message']}"
    for one in warned:
        yield f"{one['collector']}: warning: {one['message']}"
    yield count_in_words(len(faults), "error") if faults else "No faults: the collectors can be installed."
