#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of forecast_reports; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: forecast_reports
short_description: Write the forecasts of all hosts of a run to one file of each format
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.forecast) when the forecasts of all hosts are made.
  - Reads what M(o11y.opentelemetry.pipeline_forecast) has returned on each host, which the variable C(forecast_result)
    has. The order is that of the inventory. Hosts without a forecast are named.
  - New files have mode 0600, since they have the names of services. Those that are there keep their mode.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  check_mode: {details: "Writes nothing."}
  diff_mode: {support: none}
options:
  markdown_path: {description: File for the forecasts as Markdown., type: path}
  html_path: {description: File for the forecasts as a page that needs no network., type: path}
  output_path: {description: File for the limits as a report in the format of JUnit., type: path}
seealso:
  - module: o11y.opentelemetry.pipeline_forecast
"""

EXAMPLES = r"""
- name: Write one page about all clusters
  o11y.opentelemetry.forecast_reports:
    html_path: forecast.html
  run_once: true
"""

RETURN = r""" # """
