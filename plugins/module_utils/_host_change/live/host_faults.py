# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find all faults that keep a collector from running on a host, before anything is written there. Private.

Module host_apply fails with these faults, and module host_check returns them; both call `examine_collector`. A fault is
a Problem, such as `the host has no user 'otel'. Make it, or correct `user`.` Functions `check_…` raise the first fault,
`list_…` return all. Faults of the host itself are in system_faults.py. A path is foreign if it belongs to somebody else
than this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..._otelcol.errors import Problem
from ..bundle_form import state_folder
from ..fitted_unit import Systemd
from ..host_release import CollectorBundle, OpenedPort, StoredFile, build_release_files, check_credential_name
from ..taken_ports import describe_port_fix, find_taken_ports
from .account_checks import check_accounts
from .host_store import Store
from .installed_program import NO_PROGRAM, Program, check_program, choose_program
from .late_imports import make_service_drop_ins
from .machine import Machine
from .owned_folders import list_own_collectors
from .system_faults import NEEDED_RELEASE_BYTES, describe_no_space, is_booted_by_systemd

# The result of a step.
_Found = TypeVar("_Found")


@dataclass
class Faults:
    """Collects the faults of several steps, so that one fault does not hide the others.

    A step that fails gives a fallback, such as no credentials, with which the next steps go on.
    """

    found_faults: list[Problem] = field(default_factory=list)

    def attempt_step(self, step: Callable[[], _Found], fallback: _Found) -> _Found:
        """Return the result of a step. If the step raises Problem, keep that as a fault, and return `fallback`."""
        try:
            return step()
        except Problem as problem:
            self.found_faults.append(problem)
            return fallback


@dataclass
class Examination:
    """What the examination of a collector has found. With faults, the other fields stand for what is wrong."""

    bundle: CollectorBundle
    """The collector as it is wanted on this host."""
    program: Program
    secrets: Mapping[str, bytes]
    """Its credentials by name."""
    faults: list[Problem]


def examine_collector(
    machine: Machine, store: Store, bundle_options: Mapping[str, Any], systemd: Systemd
) -> Examination:
    """Return a collector as a bundle describes it, with all its faults on this host."""

    def choose_fitting_program() -> Program:
        return choose_program(bundle_options["program"] or {}, machine.find_architecture(), store)

    def build_wanted_bundle() -> CollectorBundle:
        files = build_release_files(bundle_options, secrets, str(program.path), systemd)
        return build_bundle(bundle_options, files, program, store)

    faults = Faults()
    faults.attempt_step(lambda: check_owners(machine, store), None)
    faults.attempt_step(lambda: check_space(machine, store), None)
    no_secrets: dict[str, bytes] = {}
    secrets = faults.attempt_step(lambda: read_secrets(bundle_options, store), no_secrets)
    program = faults.attempt_step(choose_fitting_program, NO_PROGRAM)
    bundle = faults.attempt_step(build_wanted_bundle, CollectorBundle(store.name))
    faults.attempt_step(lambda: check_accounts(bundle), None)
    if program is not NO_PROGRAM:
        faults.attempt_step(lambda: check_program(program, machine), None)
    faults.found_faults += _find_service_faults(machine, store, bundle_options)
    # A bundle of its own: that from above has no ports if it could not be built.
    bundle_of_ports = CollectorBundle(store.name, ports=_read_ports(bundle_options))
    faults.attempt_step(lambda: check_ports(machine, bundle_of_ports, store.root), None)
    return Examination(bundle, program, secrets, faults.found_faults)


def _find_service_faults(machine: Machine, store: Store, bundle_options: Mapping[str, Any]) -> list[Problem]:
    """Return why services of the host cannot get the environment of a collector."""
    rows = bundle_options.get("services") or ()
    if not rows or not is_booted_by_systemd(store.root):
        return []
    try:
        return list(make_service_drop_ins(machine, store, rows).list_faults())
    except Problem as problem:  # a row that no unit can hold
        return [problem]


def list_foreign_paths(machine: Machine, store: Store) -> list[str]:
    """Return what somebody else has under this name: folders, links, or a unit that systemd knows."""
    foreign_paths = store.list_foreign()
    if foreign_paths or store.links.unit.is_symlink() or store.is_own():  # a killed removal leaves its folder last
        return foreign_paths
    if not is_booted_by_systemd(store.root):
        return []
    service = machine.service(store.service)
    return [service.fragment_path or store.service] if service.load_state not in ("not-found", "") else []


def check_owners(machine: Machine, store: Store) -> None:
    """Raise Problem if somebody else has a unit, folder or link of this name, or may change what is there."""
    foreign_paths = list_foreign_paths(machine, store)
    if foreign_paths:
        wrong = f"{', '.join(foreign_paths)} belongs to somebody else, and collector {store.name} needs that name"
        raise Problem(wrong, fix="Rename the collector, or remove what is there.")
    exposed_folders = store.list_exposed()
    if exposed_folders:
        wrong = f"{', '.join(exposed_folders)} may be changed by others than root, and so may what the service runs"
        fix = (
            f"See what is there, then run `chown root: {' '.join(exposed_folders)}` and `chmod go-w"
            f" {' '.join(exposed_folders)}`."
        )
        raise Problem(wrong, fix=fix)


def check_space(machine: Machine, store: Store) -> None:
    """Raise Problem if the releases lack space on a file system of their own; that of /etc is a fault of the host."""
    free_bytes = machine.free_bytes(store.releases.folder)
    if free_bytes < NEEDED_RELEASE_BYTES <= machine.free_bytes(store.root / "etc"):
        raise describe_no_space(str(store.folder), free_bytes)


def read_secrets(bundle_options: Mapping[str, Any], store: Store) -> dict[str, bytes]:
    """Return the credentials by name, each from its text or from a file of this host.

    Raises Problem for a file without a secret, and for two credentials of one name.
    """
    secrets: dict[str, bytes] = {}
    for credential in bundle_options["credentials"] or ():
        name = check_credential_name(credential["name"])
        if name in secrets:
            wrong = f"two credentials of the bundle are named '{name}'"
            raise Problem(wrong, where="bundle.credentials", fix="Remove one of the two.")
        if credential["content"] is not None:
            secrets[name] = credential["content"].encode("utf-8")
            continue
        secrets[name] = _read_secret_file(name, store.root / str(credential["path"] or "").lstrip("/"))
    return secrets


def _read_secret_file(name: str, credential_path: Path) -> bytes:
    """Return the credential in a file of this host, without its line end: the Collector would keep that.

    A binary file, such as a keytab, may end with the byte of a line end, and stays as it is. Raises Problem for a file
    that cannot be read, and for an empty one.
    """
    try:
        secret = credential_path.read_bytes()
    except OSError as error:
        wrong = f"credential {name} cannot be read from {credential_path}: {error.strerror}"
        raise Problem(wrong, where="bundle.credentials", fix="Correct `path`, or give `content`.") from error
    if b"\0" not in secret:
        secret = secret.rstrip(b"\r\n")
    if not secret:
        wrong = f"credential {name} has no secret: {credential_path} is empty"
        raise Problem(wrong, where="bundle.credentials", fix="Put the secret there.")
    return secret


def build_bundle(
    bundle_options: Mapping[str, Any], files: Mapping[str, StoredFile], program: Program, store: Store
) -> CollectorBundle:
    """Return the collector as it is wanted. Raises Problem for a state folder that it cannot have."""
    state = bundle_options["state"]
    if state not in ("", state_folder(store.name)):
        fix = f"Use {state_folder(store.name)}, which its removal removes."
        raise Problem(f"'{state}' is no state folder of {store.name}", where="bundle.state", fix=fix)
    return CollectorBundle(
        name=store.name,
        files=files,
        program=str(program.path),
        ports=_read_ports(bundle_options),
        metrics_url=bundle_options["metrics"],
        health_url=bundle_options["health"],
        state=state,
        ready_seconds=bundle_options["ready_seconds"],
        watch_seconds=bundle_options["watch_seconds"],
        kept_release_count=bundle_options["keep"],
    )


def _read_ports(bundle_options: Mapping[str, Any]) -> tuple[OpenedPort, ...]:
    return tuple(
        OpenedPort(port_options["number"], port_options["protocol"], port_options["address"])
        for port_options in bundle_options["ports"] or ()
    )


def check_ports(machine: Machine, bundle: CollectorBundle, root: Path) -> None:
    """Raise Problem if another process has a port of the collector."""
    listeners = machine.list_listeners()
    # To find the processes of sockets takes long, so it is looked first whether anybody at all listens on the ports.
    if not find_taken_ports(bundle.ports, listeners, holders={}, own_unit=""):
        return
    # In most runs, the collector itself has its ports. Its own processes show that, without those of the whole host.
    if not find_taken_ports(bundle.ports, listeners, machine.holders(bundle.service), bundle.service):
        return
    taken_rows = find_taken_ports(bundle.ports, listeners, machine.holders(), bundle.service)
    if not machine.is_root():  # who cannot see the process cannot tell its own collector from others
        taken_rows = [row for row in taken_rows if row.holder.pid]
    if taken_rows:
        raise Problem(
            "; ".join(row.description for row in taken_rows),
            where="bundle.ports",
            fix=describe_port_fix(taken_rows, list_own_collectors(root)),
        )
