# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the Collector's program on a host: out of a file there or a URL, with a sum that must match. Private.

`live/host_change.py` calls `install_program` when it writes a new release; installed_program.py has chosen and checked
the program before. For example, the archive of contrib 0.158.0 becomes `/opt/otelcol/contrib-0.158.0-1a2b3c4d5e6f/`
with the file `otelcol-contrib`. Until the program is whole, the folder has a temporary name, `.contrib-….new`.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ..._otelcol.errors import Problem, strip_credentials
from .atomic_files import temporary_path
from .host_http import http_errors
from .host_store import Store
from .installed_program import Program, ProgramArchive, check_archive_sum, hash_file
from .machine import Machine
from .owned_folders import is_own, make_own_folder
from .packed_program import unpack

# How many bytes are copied at a time.
_CHUNK = 1024 * 1024


def install_program(program: Program, store: Store, machine: Machine) -> bool:
    """Put a program into its folder, unless it is there. Return whether it was put there.

    Raises Problem for an archive that cannot be read, that has another sum, or that lacks the program.
    """
    archive, folder = program.archive, program.path.parent
    if archive is None or program.is_there:
        return False
    make_own_folder(store.programs.folder)
    temporary = temporary_path(folder)
    shutil.rmtree(str(temporary), ignore_errors=True)
    make_own_folder(temporary, sha256=archive.sha256)
    try:
        with _open_verified_copy(program, archive, temporary, machine) as file:
            write_program = partial(_write_program, temporary / program.path.name)
            unpack(file, archive.member, write_program, task=f"Install {program.path}")
        if machine.enforces_selinux():
            machine.run("restorecon", str(temporary / program.path.name))  # the type that the owner's rules give it
        shutil.rmtree(str(folder), ignore_errors=True)
        temporary.rename(folder)
    except (OSError, ValueError) as error:
        wrong = f"it cannot be installed from {strip_credentials(archive.location)}: {error}"
        fix = "Mend this or correct the place, then run again."
        raise Problem(wrong, asked=f"Install {program.path}", fix=fix) from error
    finally:
        shutil.rmtree(str(temporary), ignore_errors=True)
    return True


def remove_unfinished_installs(store: Store) -> None:
    """Remove the folders of programs that killed runs left under their temporary names."""
    for temporary in store.programs.list_unfinished_folders():
        if is_own(store.programs.folder) or is_own(temporary):
            shutil.rmtree(str(temporary), ignore_errors=True)


def _open_verified_copy(program: Program, archive: ProgramArchive, temporary: Path, machine: Machine) -> BinaryIO:
    """Return a copy of the archive in the folder `temporary`, open at its start. Raises Problem for another sum.

    The copy is checked and unpacked, not the file itself, because nobody else can change the copy in between.
    """
    file = (temporary / "download").open("w+b")
    try:
        with http_errors(), closing(_open_archive(archive, machine)) as answer:
            shutil.copyfileobj(answer, file, _CHUNK)
        file.seek(0)
        check_archive_sum(hash_file(file), program, strip_credentials(archive.location))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _open_archive(archive: ProgramArchive, machine: Machine) -> Any:
    """Return the archive where it is: a file of the host, or the answer of a URL."""
    return Path(archive.host_file).open("rb") if archive.host_file else machine.download(archive.url)


def _write_program(target: Path, content: Any) -> None:
    """Write the executable file of a program, and remove the download that it came from."""
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o755)
    download = target.with_name("download")
    if download.exists():
        download.unlink()
