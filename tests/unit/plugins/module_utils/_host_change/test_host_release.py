# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a release has, which values of a bundle make none, and how two releases differ."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.fitted_unit import Systemd
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import (
    StoredFile,
    build_difference,
    build_release_files,
    list_changed_paths,
    unescape_secret,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

NEWEST = Systemd(258)
UNIT_TEXT = "[Service]\nExecStart=@program@ --config=c\n"


def file_row(path: str, content: str = "a\n", mode: str = "0644", shown: str | None = None) -> dict[str, Any]:
    return {"path": path, "content": content, "mode": mode, "shown": shown}


def released(*rows: dict[str, Any], secrets: dict[str, bytes] | None = None) -> dict[str, StoredFile]:
    """Return the files of a release with a config, a unit and further rows."""
    files = [file_row("config.yaml"), file_row("unit", UNIT_TEXT), *rows]
    return build_release_files({"name": "agent", "files": files}, secrets or {}, "/opt/otelcol/x/otelcol", NEWEST)


def test_a_release_has_the_files_of_its_bundle_and_its_credentials() -> None:
    files = released(file_row("tls/ca.crt", "pem", "0600", "shown"), secrets={"token": b"secret"})
    assert set(files) == {"config.yaml", "otelcol-agent.service", "tls/ca.crt", "credentials/token"}
    assert files["tls/ca.crt"] == StoredFile(b"pem", 0o600, "shown")
    assert files["credentials/token"] == StoredFile(b"secret", 0o600)
    assert b"ExecStart=/opt/otelcol/x/otelcol --config=c" in files["otelcol-agent.service"].data


@pytest.mark.parametrize(
    ("secret", "stored"),
    [
        (b"pa$word", b"pa$$word"),
        (b"pa$$word", b"pa$$$$word"),
        (b"x${env:HOME}y", b"x$${env:HOME}y"),
        (b"$$${A}$", b"$$$$$${A}$$"),
    ],
)
def test_the_collector_gets_the_dollar_signs_of_a_secret(secret: bytes, stored: bytes) -> None:
    """It makes one of two, and replaces `${…}`, also in what it reads out of a file."""
    assert released(secrets={"token": secret})["credentials/token"].data == stored
    assert unescape_secret(stored) == secret, "as the Collector does"


@pytest.mark.parametrize(
    "paths",
    [["config.yaml"], ["unit"], ["otelcol-agent.service"], ["tls/ca.crt", "tls/ca.crt"]],
    ids=lambda paths: paths[-1],
)
def test_two_files_of_one_path_are_refused(paths: list[str]) -> None:
    place = "otelcol-agent.service" if paths == ["unit"] else paths[-1]
    with pytest.raises(Problem, match=rf"two files of the bundle are stored as '{place}' .*bundle\.files"):
        released(*[file_row(path) for path in paths])


def test_a_file_below_another_file_is_refused() -> None:
    with pytest.raises(Problem, match=r"'tls' is a file of the release, and the folder of 'tls/own/ca.crt'"):
        released(file_row("tls/own/ca.crt"), file_row("tls"))
    with pytest.raises(Problem, match=r"'manifest.json' is a file of the release, and the folder of"):
        released(file_row("manifest.json/x"))
    with pytest.raises(Problem, match=r"'credentials' is a file of the release, and the folder of"):
        released(file_row("credentials"), secrets={"token": b"s"})


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "manifest.json", "credentials/token", "a\nb"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Problem, match="is no file of a release"):
        released(file_row(path))


@pytest.mark.parametrize("mode", ["", "4755", "-1", "0999", "rw"])
def test_a_mode_that_is_none_is_refused(mode: str) -> None:
    with pytest.raises(Problem, match=f"'{mode}' is no mode of a file"):
        released(file_row("a", mode=mode))


@pytest.mark.parametrize("missing", ["config.yaml", "unit"])
def test_a_bundle_without_config_or_unit_is_refused(missing: str) -> None:
    rows = [file_row(path) for path in ("config.yaml", "unit") if path != missing]
    with pytest.raises(Problem, match=f"the bundle has no file '{missing}'"):
        build_release_files({"name": "agent", "files": rows}, {}, "/p", NEWEST)


def test_bytes_and_modes_make_a_difference_and_credentials_stay_hidden() -> None:
    before = {
        "a": StoredFile(b"1\n"),
        "b": StoredFile(b"1\n"),
        "credentials/t": StoredFile(b"old"),
        "same": StoredFile(b""),
    }
    after = {
        "b": StoredFile(b"1\n", 0o600),
        "c": StoredFile(b"2\n", shown_text="masked\n"),
        "credentials/t": StoredFile(b"new"),
        "same": StoredFile(b"", shown_text="other"),
    }
    assert list_changed_paths(before, after) == ["a", "b", "c", "credentials/t"]
    rows = {row["after_header"]: (row["before"], row["after"]) for row in build_difference(before, after, "/etc/x")}
    assert rows["/etc/x/a"] == ("1\n", "")
    assert rows["/etc/x/c"] == ("", "masked\n")
    hidden, changed = rows["/etc/x/credentials/t"]
    assert "old" not in hidden
    assert changed.endswith(" (changed)\n")
    assert "new" not in changed
