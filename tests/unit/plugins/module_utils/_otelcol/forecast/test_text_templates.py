# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates have common words alone, and are the same for a masked body."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.text_templates import make_template

from tests.support.cases import cases


@cases(
    "body, template",
    ("user alice logged in.", "user <*> <*> in."),
    ("user <k3P> <x> in.", "user <*> <*> in."),
    ("status=500, retry (3)", "status=<*>, retry (<*>)"),
    ("-- Alice: failed!", "-- <*>: failed!"),
    ("", ""),
)
def test_a_template_has_common_words_alone(body: str, template: str) -> None:
    assert make_template(body) == template
