# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as AWX gives it to ansible-runner: packed here, run elsewhere by somebody else, read in a third place."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .cluster import PROJECT
from .environment import Environment

TIMEOUT_SECONDS = 240


@dataclass
class Decoy:
    """An address that answers nobody, and who came all the same."""

    port: int
    visitors: list[Any] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """Return what a pod of AWX's own cluster has in its environment."""
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}


@contextmanager
def run_decoy() -> Iterator[Decoy]:
    """Yield an address that notes every connection and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        noting_decoy = Decoy(server.getsockname()[1])

        def accept_connections() -> None:
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:
                    return
                noting_decoy.visitors.append(peer)
                connection.close()

        threading.Thread(target=accept_connections, daemon=True).start()
        yield noting_decoy
        server.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class JobResult:
    """What `ansible-runner process` made of a job."""

    rc: int
    status: str
    events: list[dict[str, Any]]
    output: str

    def sum_figure(self, figure: str) -> int:
        """Return a number of the recap, such as `changed`, over all hosts."""
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return sum(stats[figure].values())


@dataclass(frozen=True)
class Runner:
    """Where jobs are packed, run and read: three folders, the middle one of another user."""

    environment: Environment
    scratch_folder: Path

    def run_job(
        self, playbook: str, inventory: Path, variables: Mapping[str, Any], credential: Mapping[str, str]
    ) -> JobResult:
        """Run a playbook of AWX's project. The credential's values whose names end in CA_CERT are contents of files."""
        number = len(list(self.scratch_folder.iterdir()))
        packed_folder, read_folder = self.scratch_folder / f"{number}-packed", self.scratch_folder / f"{number}-read"
        job_folder = self.environment.home / f"job-{number}"
        shutil.copytree(PROJECT / "awx" / "project", packed_folder / "project")
        shutil.copytree(inventory, packed_folder / "inventory")
        (packed_folder / "env").mkdir()
        files = {name: value for name, value in credential.items() if name.endswith("CA_CERT")}
        for name, value in files.items():
            (packed_folder / "env" / name.lower()).write_text(value)
        job_variables = {
            name: f"{job_folder}/env/{name.lower()}" if name in files else value for name, value in credential.items()
        }
        (packed_folder / "env" / "envvars").write_text(yaml.safe_dump(job_variables))
        (packed_folder / "env" / "extravars").write_text(yaml.safe_dump(dict(variables)))
        self._transfer_job([packed_folder, job_folder, read_folder], playbook)
        return _read_result(read_folder)

    def _transfer_job(self, folders: list[Path], playbook: str) -> None:
        packed_folder, job_folder, read_folder = map(str, folders)
        transmitter = subprocess.Popen(
            ["ansible-runner", "transmit", packed_folder, "-p", playbook],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        worker = subprocess.Popen(
            [*self.environment.prefix, "ansible-runner", "worker", "--private-data-dir", job_folder],
            stdin=transmitter.stdout,
            stdout=subprocess.PIPE,
            cwd=self.environment.home,
            env=self.environment.build_variables(),
        )
        process_command = ["ansible-runner", "process", read_folder]
        try:
            processing = subprocess.run(
                process_command, stdin=worker.stdout, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
            )
            # A worker ends as its job does.
            assert (processing.returncode, transmitter.wait(60), worker.wait(60) in (0, 1, 2)) == (0, 0, True), (
                processing
            )
        finally:
            for program in (transmitter, worker):
                program.kill()
                program.stdout.close()  # type: ignore[union-attr]


def _read_result(read_folder: Path) -> JobResult:
    artifacts = read_folder / "artifacts"
    events = [json.loads(path.read_text()) for path in sorted((artifacts / "job_events").glob("*.json"))]
    artifact_texts = {name: (artifacts / name).read_text() for name in ("rc", "status")}
    output = "\n".join(event["stdout"] for event in sorted(events, key=lambda event: event["counter"]))
    return JobResult(int(artifact_texts["rc"]), artifact_texts["status"], events, output)
