# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of the result of a forecast has a secret of a config, since a page is made of it."""

from __future__ import annotations

import json

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import make_masker
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.bounds import OneSide
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecast_model import (
    build_forecast_model,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecasts_together import (
    render_forecast_junit,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.limits import parse_limits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.money import Scale
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.pages import Forecast
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.record_kinds import (
    KindOfOneSide,
    RecordKind,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    PartlyLost,
    SenderChange,
    SentChange,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import SenderName
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.forecast_result import (
    build_forecast_result,
)

SECRET = "a-secret-of-the-config"
NONE, ALL = Figures(0, 0), Figures(200, 1000)


def test_a_config_that_writes_its_secret_into_the_name_of_a_service_shows_it_nowhere() -> None:
    sender_changes = (SenderChange(SenderName(SECRET, "shop", ""), NONE, ALL),)
    kinds = (KindOfOneSide(RecordKind(SECRET, "info", SECRET), 200, (SECRET,)),)
    change = SentChange(
        "otlp_http/backend",
        "metrics",
        NONE,
        ALL,
        sender_changes=sender_changes,
        lost_attributes=(f"lost.{SECRET}",),
        gained_attributes=(f"gained.{SECRET}",),
        partly_lost_attributes=(PartlyLost(f"partly.{SECRET} of the resource", 3),),
        old_exporter="otlp_http/backend",
        only_after=OneSide(200, 0.0, kinds),
    )
    told = Forecast(
        collector="gateway",
        changes=(change,),
        breach_lines=(f"limit about {SECRET}",),
        note_lines=(f"note about {SECRET}",),
        scale=Scale({"traces": 200}, {}),
        prices={},
        currency="",
    )
    result = build_forecast_result(told, make_masker([SECRET]))
    assert SECRET not in json.dumps(result) + json.dumps(build_forecast_model(result))
    (move,) = result["changes"][0]["largest_changes"]
    assert move["namespace"] == "shop"
    assert move["after"] == ALL.as_dict()


def test_an_exporter_that_is_named_like_a_secret_is_shown_nowhere_and_its_limit_fails_its_test() -> None:
    name = f"otlp_http/{SECRET}"
    change = SentChange(name, "traces", Figures(100, 1000), Figures(200, 2000), old_exporter=name)
    told = Forecast(
        collector="gateway",
        changes=(change,),
        breach_lines=tuple(parse_limits({"items": "+20%"}).find_breaches([change])),
        note_lines=(),
        scale=Scale({"traces": 200}, {}),
        prices={},
        currency="",
    )
    result = build_forecast_result(told, make_masker([SECRET]))
    assert SECRET not in json.dumps(result)
    assert 'tests="1" failures="1"' in render_forecast_junit(result)
