# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site that `make docs` builds: the pages of docs/, and the reference that antsibull-docs writes."""

project = "o11y.opentelemetry"
copyright = "The o11y.opentelemetry maintainers"  # noqa: A001 -- a name of Sphinx
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_title = project
myst_heading_anchors = 3
# The reference refers to pages of Ansible's own documentation, which are not fetched.
suppress_warnings = ["ref.ref", "ref.option"]
highlight_language = "yaml"
exclude_patterns = ["reference/environment_variables.rst"]
