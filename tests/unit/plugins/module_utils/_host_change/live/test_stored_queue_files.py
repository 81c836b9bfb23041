# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data in all queues of a collector is added up, and what cannot be read is named."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.stored_queue_files import (
    read_stored_data,
)

from ..test_stored_queue import SEVEN


def test_queues_of_all_folders_are_added_up(tmp_path: Path) -> None:
    for folder in ("one", "two/below"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "exporter_otlp").write_bytes(SEVEN)
    stored = read_stored_data([tmp_path / "one", tmp_path / "two"])
    assert stored.unsent_requests.request_count == 14 and not stored.unreadable_paths


def test_a_folder_that_is_not_there_has_no_data(tmp_path: Path) -> None:
    stored = read_stored_data([tmp_path / "missing"])
    assert not stored.unsent_requests.request_count and not stored.unreadable_paths


def test_a_damaged_queue_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "exporter_a").write_bytes(bytes(len(SEVEN)))
    (tmp_path / "exporter_b").write_bytes(SEVEN)
    stored = read_stored_data([tmp_path])
    assert stored.unsent_requests.request_count == 7
    assert stored.unreadable_paths == [f"{tmp_path / 'exporter_a'} (it is no database)"]


def test_links_pipes_empty_files_and_files_of_another_form_have_no_data(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "elsewhere").write_bytes(SEVEN)
    (state / "exporter_link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(str(state / "exporter_pipe"))
    (state / "exporter_empty").write_bytes(b"")
    (state / "positions").write_bytes(b"offsets" * 9000)
    stored = read_stored_data([state])
    assert not stored.unsent_requests.request_count and not stored.unreadable_paths
