# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of time zones are those that Go loads."""

from __future__ import annotations

import zoneinfo

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.go_time_zones import is_time_zone


def test_every_time_zone_of_this_machine_is_known() -> None:
    assert [name for name in zoneinfo.available_timezones() if not is_time_zone(name)] == []


def test_names_of_time_zones_have_their_case_and_no_spaces() -> None:
    wrong = (
        "utc",
        "UTC ",
        "Europe/ Zurich",
        "Europe",
        "Europe/",
        "PST",
        "CEST",
        "UTC+1",
        "Etc/GMT+15",
        "posix/x",
        "/UTC",
        "UTC/",
        "UTC/.",
    )
    assert [name for name in wrong if is_time_zone(name)] == []
    known = (
        "",
        "Local",
        "UTC",
        "Etc/GMT+12",
        "right/Europe/Zurich",
        "America/Argentina/Ushuaia",
        "SystemV/EST5",
        "Asia//Tokyo",
        "./UTC",
    )
    assert [name for name in known if not is_time_zone(name)] == []
