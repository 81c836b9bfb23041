# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find all faults that keep a collector from running on a host, before anything is written there. Private.

Module host_apply fails with these faults, and module host_check returns them. A fault is a Problem. Functions `check_…`
raise the first fault, `find_…` and `list_…` return all. What is foreign on a host belongs to somebody else than this
collection. Consent is the option `allow` of a collector (see guarded_groups.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..._otelcol.errors import Problem, clean_text
from ..bundle_form import state_folder
from ..check_unit import list_section_lines
from ..fitted_unit import OLDEST_VERSION, Systemd
from ..guarded_groups import describe_member_rights, list_unconsented_groups
from ..host_release import CollectorBundle, OpenedPort, StoredFile, build_release_files, check_credential_name
from ..taken_ports import describe_port_fix, find_taken_ports
from .accounts import group_id, list_groups_of_user, user_id
from .host_store import Store
from .installed_program import NO_PROGRAM, Program, check_program, choose_program
from .late_imports import make_service_drop_ins
from .machine import Machine
from .owned_folders import list_own_collectors

# Before this time, in seconds since 1970, a clock is wrong: this collection did not exist. With such a clock every
# certificate seems not valid yet.
EARLIEST_TIME = 1_735_689_600  # 2025-01-01
# How many seconds the clock of a host may differ from the controller's. The call of the module takes some of them.
# Backends refuse data from further ahead: Prometheus after 10 minutes (maxAheadTime), Loki too (creation_grace_period).
TOLERATED_CLOCK_SECONDS = 300
# The key of the host for credentials. Source: systemd-creds(1), setup.
_CREDENTIAL_KEY_PATH = "var/lib/systemd/credential.secret"
# The room that a release needs, with its config and credentials, the record of a change, and their drafts.
NEEDED_RELEASE_BYTES = 2 * 1024 * 1024
_ROOT = "root"
_Found = TypeVar("_Found")


@dataclass
class Faults:
    """Collects the faults of several steps, so that one fault does not hide the others."""

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
    """A collector as it is wanted on this host, its credentials by name, and its faults."""

    bundle: CollectorBundle
    program: Program
    secrets: Mapping[str, bytes]
    faults: list[Problem]


def refuse_faults(faults: Iterable[Problem]) -> None:
    """Raise a Problem with all faults, if there are any. A single one is raised as it is."""
    problems = list(faults)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        fault_lines = "".join(f"\n- {problem}" for problem in problems)
        raise Problem(
            f"{len(problems)} faults keep the collector from running here, and nothing was changed:{fault_lines}"
        )


# ── The host ──


def find_access_faults(machine: Machine, root: Path) -> Iterator[Problem]:
    """Yield why no collector can be changed on this host by this user."""
    if not machine.is_root():
        yield Problem("the task does not run as root", fix="Set `become: true`.")
    if not is_booted_by_systemd(root):
        wrong = f"systemd does not run this host{_describe_init(machine)}"
        yield Problem(wrong, fix="Use a host that systemd has booted; other init systems are not supported.")


def is_booted_by_systemd(root: Path) -> bool:
    """Whether systemd is the first process. Source: sd_booted(3)."""
    return (root / "run/systemd/system").is_dir()


def _describe_init(machine: Machine) -> str:
    name = machine.read_init_name()
    return f", but {clean_text(name)}" if name else ""


def read_systemd(machine: Machine, root: Path) -> Systemd:
    """Return the systemd of this host."""
    return Systemd(machine.read_systemd_version(), (root / _CREDENTIAL_KEY_PATH).exists())


def find_host_faults(machine: Machine, root: Path, systemd: Systemd, controller_time: float = 0.0) -> Iterator[Problem]:
    """Yield the faults of this host that concern all collectors.

    `controller_time` is the time of day of the controller in seconds since 1970; 0 if it is not known.
    """
    yield from find_access_faults(machine, root)
    if systemd.is_too_old:
        fix = f"Use a host with systemd {OLDEST_VERSION} or newer."
        yield Problem(f"the host has systemd {systemd.version}, which has no credentials", fix=fix)
    yield from _find_clock_faults(machine.now(), controller_time)
    free_bytes = machine.free_bytes(root / "etc")
    if free_bytes < NEEDED_RELEASE_BYTES:
        yield _describe_no_space("/etc", free_bytes)


def _describe_no_space(folder: str, free_bytes: int) -> Problem:
    wrong = f"{folder} has {free_bytes >> 20} MiB free, a release needs {NEEDED_RELEASE_BYTES >> 20} MiB"
    return Problem(wrong, fix="Make room, then run again.")


def _find_clock_faults(host_time: float, controller_time: float) -> Iterator[Problem]:
    """Yield what is wrong with the clock of the host, beside that of the controller if it is known."""
    fix = "Set the clock, for example by NTP."
    seconds_ahead = host_time - controller_time if controller_time else 0.0
    if host_time < EARLIEST_TIME:
        yield Problem("the clock of the host is years late, so TLS fails", fix=fix)
    elif abs(seconds_ahead) > TOLERATED_CLOCK_SECONDS:
        direction = "ahead of" if seconds_ahead > 0 else "behind"
        wrong = (
            f"the clock of the host is {abs(seconds_ahead):.0f} s {direction} the controller's, and"
            f" {TOLERATED_CLOCK_SECONDS} s are tolerated"
        )
        yield Problem(f"{wrong}: backends refuse such telemetry, and certificates are not valid", fix=fix)


# ── One collector ──


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
    """Return the places of this name that somebody else has: folders, links, or a unit that systemd knows."""
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
        raise _describe_no_space(str(store.folder), free_bytes)


def check_accounts(bundle: CollectorBundle) -> None:
    """Raise Problem for a user or groups of the unit that the host does not have: systemd would not start it.

    Also for those that are root by another name, or a user whose own groups nobody has consented to.
    """
    lines = list_section_lines(_read_unit_text(bundle), "Service")
    unknown_users = [name for name in _list_setting_words(lines, "User") if user_id(name) < 0]
    unknown_groups = [name for name in _list_setting_words(lines, "SupplementaryGroups") if group_id(name) < 0]
    if unknown_users:
        raise Problem(f"the host has no user '{clean_text(unknown_users[0])}'", fix="Make it, or correct `user`.")
    if unknown_groups:
        group_names = ", ".join(f"'{clean_text(name)}'" for name in unknown_groups)
        raise Problem(f"the host has no group {group_names}", fix="Make it, or correct `groups`.")
    _check_root_by_another_name(_list_setting_words(lines, "User"), _list_setting_words(lines, "SupplementaryGroups"))


def _check_root_by_another_name(users: Iterable[str], groups: Iterable[str]) -> None:
    """Raise Problem for rights of root that have another name than `root`, so that consent was not asked for.

    An account may have the number of root. A user may be in a group like root's, which systemd adds to the groups of
    the unit. `groups` are the groups that the unit names, each with consent. Source: systemd.exec(5),
    SupplementaryGroups.
    """
    unit_groups = list(groups)
    root_groups = [group for group in unit_groups if group_id(group) == 0 and group != _ROOT]
    if root_groups:
        raise Problem(f"group '{clean_text(root_groups[0])}' has the number of root", fix="Remove it from `groups`.")
    for user in users:
        if user != _ROOT and user_id(user) == 0:
            raise Problem(f"user '{clean_text(user)}' has the number of root", fix="Write `user: root`, with consent.")
        unconsented_groups = [] if user == _ROOT else list_unconsented_groups(list_groups_of_user(user), unit_groups)
        if unconsented_groups:
            wrong = (
                f"user '{clean_text(user)}' is in group {unconsented_groups[0]}, whose members may"
                f" {describe_member_rights(unconsented_groups[0])}"
            )
            fix = (
                f"Use another user, or consent to it with `groups: [{unconsented_groups[0]}]` and `allow:"
                f" [{unconsented_groups[0]}]`."
            )
            raise Problem(wrong, fix=fix)


def _read_unit_text(bundle: CollectorBundle) -> str:
    unit = bundle.files.get(bundle.service)
    return unit.data.decode("utf-8", "replace") if unit else ""


def _list_setting_words(lines: Iterable[str], setting: str) -> list[str]:
    """Return the words of a setting in these lines of a unit: `adm` and `wheel` for `SupplementaryGroups=adm wheel`."""
    words: list[str] = []
    for line in lines:
        name, _sign, value = line.partition("=")
        if name.strip() == setting:
            words += value.split()
    return words


def read_secrets(bundle_options: Mapping[str, Any], store: Store) -> dict[str, bytes]:
    """Return the credentials by name, each from its text or from a file of this host.

    Raises Problem for a file that cannot be read, and for two credentials of one name.
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
        credential_path = store.root / str(credential["path"] or "").lstrip("/")
        try:
            secrets[name] = credential_path.read_bytes()
        except OSError as error:
            wrong = f"credential {name} cannot be read from {credential_path}: {error.strerror}"
            raise Problem(wrong, where="bundle.credentials", fix="Correct `path`, or give `content`.") from error
    return secrets


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
    if not find_taken_ports(bundle.ports, listeners, {}, ""):
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
