# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One place reads what users, servers and programs give, each time with a limit."""

from __future__ import annotations

import ast
import re

import pytest

from .source import files, nodes, text

PLACE = "plugins/module_utils/_otelcol/bounded/live/bounded_reads.py"
# Calls that read without a limit, by the last part of their name.
READS = {
    *("open", "read_text", "read_bytes", "readlines", "readall", "file_digest", "extractfile", "extractall"),
    *("decompress", "GzipFile", "ZipFile", "urlopen", "communicate", "check_output", "getoutput"),
}
# Functions of modules whose name alone says less.
FUNCTIONS = {"subprocess.run", "tarfile.open", "json.load", "yaml.load_file", "shutil.copyfileobj"}
ON_A_HOST = "plugins/module_utils/_host_change/live"
# Calls of these names that read no content, or whose caller has a limit.
ALLOWED = {
    "plugins/plugin_utils/_otelcol/_testing/collector_runtime.py": {
        "(folder / 'log').open": "Opens a log to write.",
    },
    "plugins/plugin_utils/_otelcol/_isolation/inside.py": {
        "request_file.read_text": "Reads what the play wrote; this program imports the standard library alone.",
    },
    "plugins/plugin_utils/_otelcol/_output_streams.py": {"os.open": "Opens a device or a pipe to write."},
    "plugins/module_utils/_capture/live/capture_folder.py": {
        "gzip.GzipFile": "Opens a file of a capture to write.",
        "os.open": "Opens a file to write, or a folder to lock it.",
    },
    # These run on a host with Python 3.8, whatever the controller has; what they read is root's there.
    f"{ON_A_HOST}/file_facts.py": {"path.open": "Opens a certificate, of which the start is read."},
    f"{ON_A_HOST}/stored_queue_files.py": {"file.open": "Opens a queue, which is mapped and not read as a whole."},
    f"{ON_A_HOST}/release_folders.py": {
        "path.read_bytes": "Reads a file of a release, which this collection wrote.",
    },
    f"{ON_A_HOST}/atomic_files.py": {
        "os.open": "Opens a file to write, or a folder.",
        "path.read_text": "Reads a manifest of this collection.",
    },
    f"{ON_A_HOST}/drop_in_files.py": {"os.open": "Opens a regular file, of which the start is read."},
    f"{ON_A_HOST}/host_faults.py": {"credential_path.read_bytes": "Reads a credential that the inventory names."},
    f"{ON_A_HOST}/installed_program.py": {"file.open": "Opens an archive, whose sum is read in chunks."},
    f"{ON_A_HOST}/program_installation.py": {
        "(temporary / 'download').open": "Opens a download to write.",
        "Path(archive.host_file).open": "Opens an archive, which is read in chunks.",
        "target.open": "Opens the program to write.",
        "shutil.copyfileobj": "Copies in chunks.",
    },
    f"{ON_A_HOST}/host_http.py": {
        "urllib.request.build_opener().open": "Its body is copied in chunks.",
        "opener.open": "Its body is read with a limit.",
        "urllib.request.build_opener(*handlers).open": "Its body is not read.",
    },
    f"{ON_A_HOST}/tar_archive.py": {
        "tarfile.open": "Opens an archive with the expected sum.",
        "archive.extractfile": "Opens the program in an archive with the expected sum.",
    },
    f"{ON_A_HOST}/rpm_package.py": {
        "gzip.GzipFile": "Opens the payload of a package with the expected sum, which is read in chunks.",
    },
    f"{ON_A_HOST}/machine.py": {
        "Path('/sys/fs/selinux/enforce').read_text": "Reads a digit of the kernel.",
        "subprocess.run": "Runs programs of systemd, bounded in time.",
    },
    f"{ON_A_HOST}/host_lock.py": {"os.open": "Opens a file to lock it."},
    f"{ON_A_HOST}/process_files.py": {
        "path.read_text": "Reads a file of the kernel, or what the checked program has printed.",
        "table.read_text": "Reads the sockets of the kernel.",
    },
    "plugins/plugin_utils/_release/retried_download.py": {"open_url": "Its body is read with a limit."},
}
# What a file of the collection or of an earlier run is read for: it is compared with what the run writes.
LOOKUPS = {
    "roles/otel_instrumentation/tasks/rendered.yml",
    "roles/otel_collector/tasks/rendered.yml",
    "playbooks/tasks/mirror_clear.yml",
    "playbooks/rights.yml",
}


def called(node: ast.Call) -> str:
    """Return the name of what is called, as it is written."""
    return ast.unparse(node.func)


def unread(node: ast.Call) -> bool:
    """Whether a request of urllib3 leaves the body to its caller."""
    return any(word.arg == "preload_content" and ast.unparse(word.value) == "False" for word in node.keywords)


def reads(node: ast.Call) -> bool:
    """Whether a call reads without a limit."""
    name = called(node)
    pool = name.endswith("pool.request") and not unread(node)
    sized = (
        name.rpartition(".")[2] in {"read", "readline"} and "." in name and name.startswith("answer") and not node.args
    )
    return name in FUNCTIONS or name.rpartition(".")[2] in {*READS, "open_url"} or pool or sized


def found(path: str) -> list[str]:
    """Return the calls of a file that read without a limit."""
    allowed = ALLOWED.get(path, {})
    calls = [node for node in nodes(path) if isinstance(node, ast.Call)]
    return [f"{path}:{node.lineno}: {called(node)}" for node in calls if reads(node) and called(node) not in allowed]


def test_one_place_reads() -> None:
    elsewhere = [line for path in files("plugins/*.py") if path != PLACE for line in found(path)]
    assert elsewhere == [], f"use {PLACE}"
    assert found(PLACE)


def test_exceptions_are_still_needed() -> None:
    for path, names in ALLOWED.items():
        calls = {called(node) for node in nodes(path) if isinstance(node, ast.Call)}
        assert names.keys() <= calls
        assert all(reason.endswith(".") for reason in names.values())


def test_playbooks_read_only_what_an_earlier_run_wrote() -> None:
    paths = files("roles/*/tasks/*.yml", "playbooks/*.yml", "playbooks/tasks/*.yml")
    reading = re.compile(r"ansible\.builtin\.(?:file'|unvault'|template'|slurp:|include_vars:)|\bslurp:")
    assert {path for path in paths if reading.search(text(path))} == LOOKUPS


@pytest.mark.parametrize(
    "code",
    [
        "Path(name).read_text()",
        "open(name)",
        "path.open('rb')",
        "subprocess.run(command, capture_output=True)",
        "process.communicate(timeout=5)",
        "gzip.open(name)",
        "tarfile.open(name)",
        "self._pool.request('GET', url)",
        "answer.read()",
        "open_url(url)",
    ],
)
def test_another_read_would_be_noticed(code: str) -> None:
    call = next(node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert reads(call)
