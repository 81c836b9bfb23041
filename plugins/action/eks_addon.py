# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module eks_addon: calls AWS in this process, if the module would run here.

`plugin_utils/_worker_aws.py` decides that.
"""

from __future__ import annotations

from ..module_utils._identity.live.aws_specs import MODULES
from ..plugin_utils._worker import Work
from ..plugin_utils._worker_aws import AwsAction


class ActionModule(AwsAction):
    module = MODULES["eks_addon"]

    @staticmethod
    def load_work() -> Work:
        from ..module_utils._install.live.addon import run_addon  # noqa: PLC0415 - needs amazon.aws

        return run_addon
