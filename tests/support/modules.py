# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments for a module that runs in the process of a test, on every supported ansible-core."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from ansible.module_utils import basic

try:
    from ansible.module_utils.testing import patch_module_args  # since ansible-core 2.19
except ImportError:

    @contextlib.contextmanager
    def patch_module_args(module_args: Mapping[str, Any]) -> Iterator[None]:
        """Give the next module these arguments."""
        text = json.dumps({"ANSIBLE_MODULE_ARGS": {**module_args, "_ansible_remote_tmp": "/tmp"}}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", text):
            yield


__all__ = ["patch_module_args"]
