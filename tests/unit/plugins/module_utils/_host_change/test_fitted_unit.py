# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit has what the systemd of its host knows."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.fitted_unit import (
    Systemd,
    parse_systemd_version,
)

UNIT = """[Service]
Restart=always
RestartSteps=5
RestartMaxDelaySec=60s
# RestartSteps= grows
LoadCredential=token:/etc/otelcol/agent/current/credentials/token
LoadCredential=other:/etc/other
"""
ENCRYPTED = UNIT.replace("LoadCredential=token", "LoadCredentialEncrypted=token")
OLD = UNIT.replace("RestartSteps=5\nRestartMaxDelaySec=60s\n", "")


@pytest.mark.parametrize(
    ("systemd", "text"),
    [
        (Systemd(0), UNIT),
        (Systemd(254), UNIT),
        (Systemd(253), OLD),
        (Systemd(247, has_key=True), OLD),
        (Systemd(249, has_key=True), OLD),
        (Systemd(254, has_key=True), ENCRYPTED),
    ],
)
def test_a_unit_has_what_the_systemd_of_its_host_knows(systemd: Systemd, text: str) -> None:
    assert systemd.fit_unit(UNIT) == text


def test_a_value_keeps_what_looks_like_an_unknown_setting() -> None:
    unit = '[Service]\nEnvironment="A=x\u2028RestartSteps=5"\n'
    assert Systemd(252).fit_unit(unit) == unit


def test_what_is_too_old_is_told_from_what_is_unknown() -> None:
    assert (Systemd(246).is_too_old, Systemd(247).is_too_old, Systemd(0).is_too_old) == (True, False, False)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT", 252),
        ("systemd 257.9-0ubuntu2 (257.9-0ubuntu2)", 257),
        ("systemd 239 (239-82.el8_10.2)", 239),
        ("systemd 258~rc1", 258),
        ("warning: a line before\nsystemd 252 (252.39-1~deb12u2)", 252),
        ("no such file", 0),
        ("", 0),
    ],
)
def test_the_version_is_the_number_that_systemctl_says(said: str, version: int) -> None:
    assert parse_systemd_version(said) == version
