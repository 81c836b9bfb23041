# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module instrumentation_render. `plugin_utils/_instrumentation.py` does the work."""

from __future__ import annotations

from typing import Any

from ..module_utils._instrumentation.instrumentation import list_option_names
from ..plugin_utils import _instrumentation, _instrumentation_options, _lock_file
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._answers import hide_if_secret


class ActionModule(ControllerAction):
    options = staticmethod(list_option_names)

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        instrumentation_options = arguments["instrumentations"], arguments["defaults"]
        if arguments["for_removal"]:
            return hide_if_secret(
                _instrumentation.build_removal_bundle(*instrumentation_options, self._display.warning)
            )
        collectors = _instrumentation_options.list_named_collectors(
            arguments["collectors"], arguments["collector_defaults"]
        )
        return hide_if_secret(
            _instrumentation.build_bundle(
                *instrumentation_options, _lock_file.choose_pin(arguments["lock_file"]), collectors
            )
        )
