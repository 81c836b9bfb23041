# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus, as the testbed has built it, on a port of this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

_BUILD_PATTERN = f"prometheus-{'[0-9a-f]' * 16}"
_TIMEOUT_SECONDS = 20.0  # seconds


def newest_programs() -> Path | None:
    """Return the folder with the newest Prometheus and promtool that the testbed has built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "o11y-testbed"
    home = Path(os.environ.get("O11Y_TESTBED_HOME") or cache)
    built = [path.parent for path in home.glob(f"builds/{_BUILD_PATTERN}/promtool") if os.access(path, os.X_OK)]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that runs."""

    url: str
    targets_file: Path

    def ask_api(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of the API."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)["data"]

    def query_series(self, text: str) -> list[Any]:
        """Return the series of an instant query."""
        series: list[Any] = self.ask_api("query", query=text)["result"]
        return series

    def set_targets(self, targets: list[dict[str, Any]]) -> None:
        """Scrape these targets, each with its labels, from now on."""
        draft = self.targets_file.with_suffix(".draft")
        draft.write_text(json.dumps(targets), encoding="utf-8")
        draft.rename(self.targets_file)


@contextmanager
def run_prometheus(folder: Path, programs: Path, rules: list[Path], **more_sections: Any) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes and evaluates each second, and takes OTLP, until the end of the block.

    `more_sections` are further sections of its config.
    """
    with socket.create_server(("127.0.0.1", 0)) as free_socket:
        address = f"127.0.0.1:{free_socket.getsockname()[1]}"
    prometheus = Prometheus(f"http://{address}", folder / "targets.json")
    prometheus.set_targets([])
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{"job_name": "pods", "file_sd_configs": [{"files": [str(prometheus.targets_file)]}]}],
        **more_sections,
    }
    config_file = folder / "prometheus.yml"
    config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    argv = [programs / "prometheus", f"--config.file={config_file}", f"--storage.tsdb.path={folder / 'data'}"]
    argv += ["--web.enable-otlp-receiver"]
    log_file = folder / "prometheus.log"
    with (
        log_file.open("wb") as log,
        subprocess.Popen([*argv, f"--web.listen-address={address}"], stdout=log, stderr=log) as process,
    ):
        try:
            assert wait_until(lambda: process.poll() is not None or _is_ready(prometheus)), log_file.read_text()
            assert process.poll() is None, log_file.read_text()
            yield prometheus
        finally:
            process.terminate()


def _is_ready(prometheus: Prometheus) -> bool:
    try:
        with urlopen(f"{prometheus.url}/-/ready", timeout=1):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], Any], seconds: float = _TIMEOUT_SECONDS) -> Any:
    """Return what a condition yields as soon as it holds, or its last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    return answer
