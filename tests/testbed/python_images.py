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

PYTHON = "/usr/bin/python3"
NEEDS = {PYTHON: "python3"}
LISTS = config.HERE / "python"
LOCAL_UV = config.HERE.parents[1] / ".cache/uv/bin/uv"
"""Where `make setup` puts it."""
REFERENCE = "docker.io/library/python:3.11-slim"
INSTRUMENTATION = "ghcr.io/open-telemetry/opentelemetry-operator/autoinstrumentation-python:0.64b0"
LEFT_OUT = shutil.ignore_patterns(
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
ASK = """
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


def installer() -> list[str] | None:
    """The beginning of a command that installs packages for that Python: of uv, or of pip."""
    uv = shutil.which("uv") or (str(LOCAL_UV) if LOCAL_UV.exists() else None)
    if uv:
        return [uv, "pip", "install", "--python", PYTHON, "--link-mode=copy"]
    return [sys.executable, "-m", "pip", "--python", PYTHON, "install"] if find_spec("pip") else None


def lacks() -> Reason | None:
    """None where both images can be made."""
    if installer():
        return None
    return Reason("there is neither uv nor pip to install packages with", "put uv on PATH, or run `make setup`")


def interpreter(builds: Builds) -> Interpreter:
    """What Python says about itself."""
    packages.install(builds.home, NEEDS)
    return Interpreter(**json.loads(command.run([PYTHON, "-I", "-c", ASK])))


def _key(python: Interpreter, packages_list: str) -> str:
    """A build is of this Python, these packages and this file."""
    status = Path(python.file).stat()
    digest = hashlib.sha256(f"{python} {status.st_size} {status.st_mtime_ns}".encode())
    digest.update((LISTS / packages_list).read_bytes() + Path(__file__).read_bytes())
    return digest.hexdigest()[:16]


def image(builds: Builds) -> Path:
    """The archive of the image with an interpreter."""
    python = interpreter(builds)
    root = builds.make("python", _key(python, "interpreter.txt"), partial(_fill_root, builds, python))
    busybox = images.busybox()
    files = {**busybox.files, **_below(root, "/")}
    links = {**busybox.links, **{f"/bin/{name}": python.file for name in ("python", "python3")}}
    content = Image(REFERENCE, images.with_certificates(files), links, command=("python3",))
    return images.archive_of("python", content, builds)


def instrumentation(builds: Builds) -> Path:
    """The archive of the image whose content the operator copies into applications."""
    python = interpreter(builds)
    key = _key(python, "autoinstrumentation.txt")
    root = builds.make("autoinstrumentation-python", key, partial(_fill_instrumentation, builds))
    busybox = images.busybox()
    files = {**busybox.files, **_below(root, "/autoinstrumentation")}
    content = Image(INSTRUMENTATION, files, busybox.links, command=("sh",))
    return images.archive_of("autoinstrumentation-python", content, builds)


def _below(folder: Path, target: str) -> dict[str, Path]:
    """Every file of a folder, and where it goes."""
    return {str(Path(target) / path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def _fill_root(builds: Builds, python: Interpreter, root: Path) -> None:
    """Interpreter, standard library, shared libraries and packages."""
    stdlib = root / python.stdlib.lstrip("/")
    shutil.copytree(python.stdlib, stdlib, ignore=LEFT_OUT, ignore_dangling_symlinks=True)
    modules = [str(path) for path in Path(python.stdlib).glob("lib-dynload/*.so")]
    for file in {python.file, *libraries(command.run(["ldd", python.file, *modules]))}:
        target = root / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    names = root / "etc/nsswitch.conf"
    names.parent.mkdir(exist_ok=True)
    names.write_text("hosts: files dns\n")
    _install(builds, "interpreter.txt", root / python.site.lstrip("/"))
    _compile(root)


def _fill_instrumentation(builds: Builds, root: Path) -> None:
    _install(builds, "autoinstrumentation.txt", root)
    _compile(root)


def libraries(listed: str) -> set[str]:
    """The files in what ldd prints: `NAME => FILE (ADDRESS)`, or `FILE (ADDRESS)` for the loader."""
    words = [line.partition("=>")[2].split() or line.split() for line in listed.splitlines() if "(0x" in line]
    return {line[0] for line in words if line[0].startswith("/")}


def _install(builds: Builds, packages_list: str, target: Path) -> None:
    """The packages of a list, which names all that these need too."""
    log = builds.home.logs / f"{packages_list.removesuffix('.txt')}.log"
    arguments = ["--no-deps", "--only-binary=:all:", f"--target={target}", f"--requirement={LISTS / packages_list}"]
    do = "read the whole log; where packages cannot be downloaded, set UV_INDEX_URL or PIP_INDEX_URL"
    command.run([*(installer() or []), *arguments], log=log, do=do)
    shutil.rmtree(target / "bin", ignore_errors=True)
    say(f"installed the packages of {packages_list}")


def _compile(root: Path) -> None:
    """Bytecode that holds whatever the files' times are: who runs it cannot write it, and the operator copies files."""
    how = ["-q", "--invalidation-mode=unchecked-hash", f"-s{root}", "-p/"]
    command.run(["nice", PYTHON, "-I", "-m", "compileall", *how, str(root)])
