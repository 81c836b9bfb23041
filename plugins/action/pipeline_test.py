# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_test. `plugin_utils/_otelcol/_testing` does the work."""

from __future__ import annotations

from typing import Any, cast

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._otelcol._testing import config_tests


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what every test found. Fails if one failed."""
        test_arguments = cast(config_tests.TestArguments, arguments)
        return config_tests.run_config_tests(test_arguments, self._display.warning, self._task.check_mode)
