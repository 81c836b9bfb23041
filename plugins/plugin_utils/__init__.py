# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins use on the controller. The compiled code of this collection is kept before any of it is imported."""

from __future__ import annotations

from ._kept_code import keep_compiled_code

keep_compiled_code(__spec__)
