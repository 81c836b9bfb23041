# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with Python: the machine's own interpreter with Flask, and OpenTelemetry's instrumentation to be injected."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.testbed import command, config, images, packages
from tests.testbed.build import Builds
from tests.testbed.errors import Reason
from tests.testbed.image import Image
from tests.testbed.progress import say

PYTHON_PROGRAM = "/usr/bin/python3"
PYTHON_PACKAGES = {PYTHON_PROGRAM: "python3"}
LISTS_FOLDER = config.TESTBED_FOLDER / "python"
LOCAL_UV = config.TESTBED_FOLDER.parents[1] / ".cache/uv/bin/uv"
"""Where `make setup` puts it."""
PYTHON_REFERENCE = "docker.io/library/python:3.11-slim"
INSTRUMENTATION_REFERENCE = "ghcr.io/open-telemetry/opentelemetry-operator/autoinstrumentation-python:0.64b0"
IGNORED_FILES = shutil.ignore_patterns(
    "__pycache__",
    "config-*",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "sitecustomize.py",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
)
INTERPRETER_QUERY = """
import json, os, site, sys, sysconfig
file = os.path.realpath(sys.executable)
stdlib = sysconfig.get_path("stdlib")
print(json.dumps({"version": sys.version, "file": file, "stdlib": stdlib, "site": site.getsitepackages()[0]}))
"""


@dataclass(frozen=True)
class Interpreter:
    """Where the machine's Python has its parts; in the image they are in the same places."""

    version: str
    file: str
    stdlib: str
    site: str


def find_installer() -> list[str] | None:
    """The beginning of a command that installs packages for that Python: of uv, or of pip."""
    uv = shutil.which("uv") or (str(LOCAL_UV) if LOCAL_UV.exists() else None)
    if uv:
        return [uv, "pip", "install", "--python", PYTHON_PROGRAM, "--link-mode=copy"]
    return [sys.executable, "-m", "pip", "--python", PYTHON_PROGRAM, "install"] if find_spec("pip") else None


def find_obstacle() -> Reason | None:
    """None where both images can be made."""
    if find_installer():
        return None
    return Reason("there is neither uv nor pip to install packages with", "put uv on PATH, or run `make setup`")


def read_interpreter(builds: Builds) -> Interpreter:
    """What Python says about itself."""
    packages.install_packages(builds.home, PYTHON_PACKAGES)
    return Interpreter(**json.loads(command.run([PYTHON_PROGRAM, "-I", "-c", INTERPRETER_QUERY])))


def _content_key(python: Interpreter, packages_list: str) -> str:
    """A build is of this Python, these packages and this file."""
    file_status = Path(python.file).stat()
    digest = hashlib.sha256(f"{python} {file_status.st_size} {file_status.st_mtime_ns}".encode())
    digest.update((LISTS_FOLDER / packages_list).read_bytes() + Path(__file__).read_bytes())
    return digest.hexdigest()[:16]


def pack_python(builds: Builds) -> Path:
    """The archive of the image with an interpreter."""
    python = read_interpreter(builds)
    root_folder = builds.make_folder(
        "python", _content_key(python, "interpreter.txt"), partial(_fill_root, builds, python)
    )
    busybox = images.busybox_image()
    files = {**busybox.files, **_files_below(root_folder, "/")}
    links = {**busybox.links, **{f"/bin/{name}": python.file for name in ("python", "python3")}}
    described_image = Image(PYTHON_REFERENCE, images.with_certificates(files), links, command=("python3",))
    return images.pack_described_image("python", described_image, builds)


def pack_instrumentation(builds: Builds) -> Path:
    """The archive of the image whose content the operator copies into applications."""
    python = read_interpreter(builds)
    content_key = _content_key(python, "autoinstrumentation.txt")
    root_folder = builds.make_folder("autoinstrumentation-python", content_key, partial(_fill_instrumentation, builds))
    busybox = images.busybox_image()
    files = {**busybox.files, **_files_below(root_folder, "/autoinstrumentation")}
    described_image = Image(INSTRUMENTATION_REFERENCE, files, busybox.links, command=("sh",))
    return images.pack_described_image("autoinstrumentation-python", described_image, builds)


def _files_below(folder: Path, target: str) -> dict[str, Path]:
    """Every file of a folder, and where it goes."""
    return {str(Path(target) / path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def _fill_root(builds: Builds, python: Interpreter, root_folder: Path) -> None:
    """Interpreter, standard library, shared libraries and packages."""
    stdlib = root_folder / python.stdlib.lstrip("/")
    shutil.copytree(python.stdlib, stdlib, ignore=IGNORED_FILES, ignore_dangling_symlinks=True)
    module_files = [str(path) for path in Path(python.stdlib).glob("lib-dynload/*.so")]
    for file in {python.file, *parse_libraries(command.run(["ldd", python.file, *module_files]))}:
        target = root_folder / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    nsswitch_file = root_folder / "etc/nsswitch.conf"
    nsswitch_file.parent.mkdir(exist_ok=True)
    nsswitch_file.write_text("hosts: files dns\n")
    _install_packages(builds, "interpreter.txt", root_folder / python.site.lstrip("/"))
    _compile_bytecode(root_folder)


def _fill_instrumentation(builds: Builds, root: Path) -> None:
    _install_packages(builds, "autoinstrumentation.txt", root)
    _compile_bytecode(root)


def parse_libraries(ldd_output: str) -> set[str]:
    """The files in what ldd prints: `NAME => FILE (ADDRESS)`, or `FILE (ADDRESS)` for the loader."""
    line_words = [
        words_of_line.partition("=>")[2].split() or words_of_line.split()
        for words_of_line in ldd_output.splitlines()
        if "(0x" in words_of_line
    ]
    return {words_of_line[0] for words_of_line in line_words if words_of_line[0].startswith("/")}


def _install_packages(builds: Builds, packages_list: str, target: Path) -> None:
    """The packages of a list, which names all that these need too."""
    log = builds.home.logs / f"{packages_list.removesuffix('.txt')}.log"
    arguments = [
        "--no-deps",
        "--only-binary=:all:",
        f"--target={target}",
        f"--requirement={LISTS_FOLDER / packages_list}",
    ]
    advice = "read the whole log; where packages cannot be downloaded, set UV_INDEX_URL or PIP_INDEX_URL"
    command.run([*(find_installer() or []), *arguments], log=log, do=advice)
    shutil.rmtree(target / "bin", ignore_errors=True)
    say(f"installed the packages of {packages_list}")


def _compile_bytecode(root: Path) -> None:
    """Bytecode that holds whatever the files' times are: who runs it cannot write it, and the operator copies files."""
    compile_options = ["-q", "--invalidation-mode=unchecked-hash", f"-s{root}", "-p/"]
    command.run(["nice", PYTHON_PROGRAM, "-I", "-m", "compileall", *compile_options, str(root)])
