# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins use on the controller. The cache of bytecode is set up before any other file is imported."""

from __future__ import annotations

from ._bytecode_cache import cache_bytecode

cache_bytecode(__spec__)
