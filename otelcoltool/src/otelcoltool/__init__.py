# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates, migrates and tests configs of OpenTelemetry Collectors: the library of o11y.opentelemetry as a command."""

__version__ = "1.0.0"
