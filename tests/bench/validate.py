"""Measure validation against `otelcol validate` and an empty playbook, on the same files; needs no cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests import conftest  # puts the checkout on the path, under its name

# isort: split
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate as validate

from tests.contract.mutants.bases import bases
from tests.support.collectors import find_newest_build

from .timing import EMPTY, Taken, Way, command, empty, measure, median, play, playbook, table

CONFIGS = 1000
ASKED = 20  # how many of them the real Collector is asked about in each round: a process each
VERSION = "0.158.0"
OURS, THEIRS = f"{CONFIGS} configs in one process", f"{ASKED} processes of otelcol validate"
PLAY = f"playbook with one pipeline_validate of {CONFIGS} configs"


def main() -> None:
    """Write the configs, measure all ways, and print the table."""
    os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(conftest.COLLECTIONS))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "configs"
        program = _program()
        files = _write(folder, program)
        ways = [empty(Path(scratch)), *_ways(Path(scratch), folder), *_real(program, files)]
        _report(measure(ways))


def _ways(scratch: Path, folder: Path) -> list[Way]:
    task = {"o11y.opentelemetry.pipeline_validate": {"paths": [str(folder)], "version": VERSION, "fail_on": "never"}}
    return [Way(OURS, lambda: _validate(folder)), command(PLAY, play(playbook(scratch / "validate.yml", [task])))]


def _validate(folder: Path) -> None:
    defaults = {name: option.get("default") for name, option in read_argument_spec("pipeline_validate").items()}
    wanted: dict[str, Any] = {**defaults, "paths": [str(folder)], "version": VERSION, "fail_on": "never"}
    checked = validate.validate_configs(wanted, lambda _text: None)["counts"]["checked"]
    if checked != CONFIGS:
        raise SystemExit(f"{checked} of {CONFIGS} configs were checked")


def _real(program: str, files: list[Path]) -> list[Way]:
    def ask() -> None:
        for file in files[:: CONFIGS // ASKED]:
            _accepts(program, file)

    return [Way(THEIRS, ask)] if program else []


def _write(folder: Path, program: str) -> list[Path]:
    """Write configs that the real Collector accepts, over and over again until they are enough."""
    folder.mkdir()
    trial = folder / "trial.yaml"
    texts = []
    for _name, subject in bases():
        text = yaml.safe_dump(subject.config, sort_keys=False)
        trial.write_text(text)
        texts += [text] if not program or _accepts(program, trial) else []
    trial.unlink()
    files = [folder / f"{number:04}.yaml" for number in range(CONFIGS)]
    for number, file in enumerate(files):
        file.write_text(f"# {number}\n{texts[number % len(texts)]}")
    return files


def _accepts(program: str, file: Path) -> bool:
    asked = [program, "validate", "--config", str(file)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _program() -> str:
    """Return the real Collector: on the path, or as the testbed built it; nothing where there is none."""
    return shutil.which("otelcol-contrib") or str(find_newest_build() or "")


def _report(taken: dict[str, list[Taken]]) -> None:
    table(taken, EMPTY, {"the playbook against an empty one": (PLAY, EMPTY)})
    ours = CONFIGS / median(taken[OURS]).wall
    print(f"ours: {ours:.0f} configs/s in one process")
    if THEIRS in taken:
        theirs = ASKED / median(taken[THEIRS]).wall
        print(f"otelcol validate: {theirs:.1f} configs/s, a process each; ours is {ours / theirs:.0f} x as fast")
    else:
        print("otelcol validate was not measured: there is no otelcol-contrib on PATH, and the testbed has built none")
