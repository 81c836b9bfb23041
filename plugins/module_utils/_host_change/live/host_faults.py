# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a collector from running on a host: all of it is read, and found at once, before anything is written.

Module host_apply refuses what is found, module host_check tells it. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..._otelcol.errors import Problem, cleaned
from ..bundle_form import state_folder
from ..check_unit import section
from ..fitted_unit import OLDEST, Systemd
from ..guarded_groups import unconsented, what_members_may
from ..host_release import Bundle, Port, StoredFile, credential_name, release_files
from ..taken_ports import taken, way_out
from .accounts import group_id, groups_of, user_id
from .host_store import Store, own_collectors
from .installed_program import Program, check_program, program_of
from .late_imports import drop_ins_of
from .machine import Machine

# A certificate is valid from its day on: a clock before this collection's time makes every one invalid.
EARLIEST = 1_735_689_600  # 2025-01-01
# How far the clock of a host may be from the controller's, in seconds. The call takes some seconds of them. Backends
# refuse what comes from further ahead: Prometheus 10 minutes (maxAheadTime), Loki 10 (creation_grace_period).
CLOCK_SECONDS = 300
# The key of the host for credentials. Source: systemd-creds(1), setup.
_KEY = "var/lib/systemd/credential.secret"
# A release with its config and credentials, the record of a change, and their drafts.
RELEASE_BYTES = 2 * 1024 * 1024
_ROOT = "root"
_NOWHERE = Program(Path("/nowhere"))
_Found = TypeVar("_Found")


@dataclass
class Faults:
    """The faults that steps of an examination have found."""

    found: list[Problem] = field(default_factory=list)

    def attempt(self, step: Callable[[], _Found], otherwise: _Found) -> _Found:
        """Return what a step returns, or else `otherwise`, and keep its Problem."""
        try:
            return step()
        except Problem as problem:
            self.found.append(problem)
            return otherwise


@dataclass
class Examined:
    """A collector as it is wanted on this host, and what keeps it from running there."""

    bundle: Bundle
    program: Program
    secrets: Mapping[str, bytes]
    faults: list[Problem]


def refuse(faults: Iterable[Problem]) -> None:
    """Raise a Problem with all faults, if there are any. A single one is raised as it is."""
    found = list(faults)
    if len(found) == 1:
        raise found[0]
    if found:
        texts = "".join(f"\n- {problem}" for problem in found)
        raise Problem(f"{len(found)} faults keep the collector from running here, and nothing was changed:{texts}")


# ── The host ──


def place_faults(machine: Machine, root: Path) -> Iterator[Problem]:
    """Yield why no collector can be changed on this host by this user."""
    if not machine.is_root():
        yield Problem("the task does not run as root", fix="Set `become: true`.")
    if not is_booted_by_systemd(root):
        wrong = f"systemd does not run this host{_instead(machine)}"
        yield Problem(wrong, fix="Use a host that systemd has booted; other init systems are not supported.")


def is_booted_by_systemd(root: Path) -> bool:
    """Whether systemd is the first process. Source: sd_booted(3)."""
    return (root / "run/systemd/system").is_dir()


def _instead(machine: Machine) -> str:
    name = machine.init_name()
    return f", but {cleaned(name)}" if name else ""


def systemd_of(machine: Machine, root: Path) -> Systemd:
    """Return the systemd of this host."""
    return Systemd(machine.systemd_version(), (root / _KEY).exists())


def host_faults(machine: Machine, root: Path, systemd: Systemd, controller_time: float = 0.0) -> Iterator[Problem]:
    """Yield what is wrong with this host, whatever runs on it. `controller_time` is in seconds; 0 is unknown."""
    yield from place_faults(machine, root)
    if systemd.is_too_old:
        fix = f"Use a host with systemd {OLDEST} or newer."
        yield Problem(f"the host has systemd {systemd.version}, which has no credentials", fix=fix)
    yield from _clock_faults(machine.now(), controller_time)
    free = machine.free_bytes(root / "etc")
    if free < RELEASE_BYTES:
        yield _no_space("/etc", free)


def _no_space(folder: str, free: int) -> Problem:
    wrong = f"{folder} has {free >> 20} MiB free, a release needs {RELEASE_BYTES >> 20} MiB"
    return Problem(wrong, fix="Make room, then run again.")


def _clock_faults(now: float, controller_time: float) -> Iterator[Problem]:
    fix = "Set the clock, for example by NTP."
    ahead = now - controller_time if controller_time else 0.0
    if now < EARLIEST:
        yield Problem("the clock of the host is years late, so TLS fails", fix=fix)
    elif abs(ahead) > CLOCK_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        wrong = (
            f"the clock of the host is {abs(ahead):.0f} s {way} the controller's, and {CLOCK_SECONDS} s are tolerated"
        )
        yield Problem(f"{wrong}: backends refuse such telemetry, and certificates are not valid", fix=fix)


# ── One collector ──


def examined(machine: Machine, store: Store, given: Mapping[str, Any], systemd: Systemd) -> Examined:
    """Return a collector with all that keeps it from running here."""
    faults = Faults()
    faults.attempt(lambda: check_owners(machine, store), None)
    faults.attempt(lambda: check_space(machine, store), None)
    no_secrets: dict[str, bytes] = {}
    secrets = faults.attempt(lambda: read_secrets(given, store), no_secrets)
    program = faults.attempt(lambda: program_of(given["program"] or {}, machine.architecture(), store), _NOWHERE)
    bundle = faults.attempt(
        lambda: bundle_of(given, release_files(given, secrets, str(program.path), systemd), program, store),
        Bundle(store.name),
    )
    faults.attempt(lambda: check_accounts(bundle), None)
    if program is not _NOWHERE:
        faults.attempt(lambda: check_program(program, machine), None)
    faults.found += _service_faults(machine, store, given)
    faults.attempt(lambda: check_ports(machine, Bundle(store.name, ports=_ports(given)), store.root), None)
    return Examined(bundle, program, secrets, faults.found)


def _service_faults(machine: Machine, store: Store, given: Mapping[str, Any]) -> list[Problem]:
    """Return why services of the host cannot get the environment of a collector."""
    rows = given.get("services") or ()
    if not rows or not is_booted_by_systemd(store.root):
        return []
    try:
        return list(drop_ins_of(machine, store, rows).faults())
    except Problem as problem:  # a row that no unit can hold
        return [problem]


def foreign_places(machine: Machine, store: Store) -> list[str]:
    """Return the places of this name that somebody else has: folders, links, or a unit that systemd knows."""
    found = store.foreign()
    if found or store.unit.is_symlink() or store.is_own(store.folder):  # a killed removal leaves its folder last
        return found
    if not is_booted_by_systemd(store.root):
        return []
    service = machine.service(store.service)
    return [service.fragment or store.service] if service.load not in ("not-found", "") else []


def check_owners(machine: Machine, store: Store) -> None:
    """Raise Problem if somebody else has a unit, folder or link of this name, or may change what is there."""
    foreign = foreign_places(machine, store)
    if foreign:
        wrong = f"{', '.join(foreign)} belongs to somebody else, and collector {store.name} needs that name"
        raise Problem(wrong, fix="Rename the collector, or remove what is there.")
    exposed = store.exposed()
    if exposed:
        wrong = f"{', '.join(exposed)} may be changed by others than root, and so may what the service runs"
        fix = f"See what is there, then run `chown root: {' '.join(exposed)}` and `chmod go-w {' '.join(exposed)}`."
        raise Problem(wrong, fix=fix)


def check_space(machine: Machine, store: Store) -> None:
    """Raise Problem if the releases lack space on a file system of their own; that of /etc is a fault of the host."""
    free = machine.free_bytes(store.releases)
    if free < RELEASE_BYTES <= machine.free_bytes(store.root / "etc"):
        raise _no_space(str(store.folder), free)


def check_accounts(bundle: Bundle) -> None:
    """Raise Problem for a user or groups of the unit that the host does not have: systemd would not start it.

    Also for those that are root by another name, or a user whose own groups nobody has consented to.
    """
    lines = section(_unit_text(bundle), "Service")
    users = [name for name in _words(lines, "User") if user_id(name) < 0]
    groups = [name for name in _words(lines, "SupplementaryGroups") if group_id(name) < 0]
    if users:
        raise Problem(f"the host has no user '{cleaned(users[0])}'", fix="Make it, or correct `user`.")
    if groups:
        names = ", ".join(f"'{cleaned(name)}'" for name in groups)
        raise Problem(f"the host has no group {names}", fix="Make it, or correct `groups`.")
    _check_root_by_another_name(_words(lines, "User"), _words(lines, "SupplementaryGroups"))


def _check_root_by_another_name(users: Iterable[str], groups: Iterable[str]) -> None:
    """Raise Problem for the number of root under another name, and for the groups that systemd adds to a user's own.

    `groups` are those of the unit, each with consent. Source: systemd.exec(5), SupplementaryGroups.
    """
    listed = list(groups)
    zeros = [group for group in listed if group_id(group) == 0 and group != _ROOT]
    if zeros:
        raise Problem(f"group '{cleaned(zeros[0])}' has the number of root", fix="Remove it from `groups`.")
    for user in users:
        if user != _ROOT and user_id(user) == 0:
            raise Problem(f"user '{cleaned(user)}' has the number of root", fix="Write `user: root`, with consent.")
        found = [] if user == _ROOT else unconsented(groups_of(user), listed)
        if found:
            wrong = f"user '{cleaned(user)}' is in group {found[0]}, whose members may {what_members_may(found[0])}"
            fix = f"Use another user, or consent to it with `groups: [{found[0]}]` and `allow: [{found[0]}]`."
            raise Problem(wrong, fix=fix)


def _unit_text(bundle: Bundle) -> str:
    unit = bundle.files.get(bundle.service)
    return unit.data.decode("utf-8", "replace") if unit else ""


def _words(lines: Iterable[str], setting: str) -> list[str]:
    """Return the words that a setting has in these lines of a unit."""
    rows = [line.partition("=") for line in lines]
    return [word for name, _sign, value in rows if name.strip() == setting for word in value.split()]


def read_secrets(given: Mapping[str, Any], store: Store) -> dict[str, bytes]:
    """Return the credentials by name, each from its text or from a file of this host.

    Raises Problem for a file that cannot be read, and for two credentials of one name.
    """
    secrets: dict[str, bytes] = {}
    for row in given["credentials"] or ():
        name = credential_name(row["name"])
        if name in secrets:
            wrong = f"two credentials of the bundle are named '{name}'"
            raise Problem(wrong, where="bundle.credentials", fix="Remove one of the two.")
        if row["content"] is not None:
            secrets[name] = row["content"].encode("utf-8")
            continue
        place = store.root / str(row["path"] or "").lstrip("/")
        try:
            secrets[name] = place.read_bytes()
        except OSError as error:
            wrong = f"credential {name} cannot be read from {place}: {error.strerror}"
            raise Problem(wrong, where="bundle.credentials", fix="Correct `path`, or give `content`.") from error
    return secrets


def bundle_of(given: Mapping[str, Any], files: Mapping[str, StoredFile], program: Program, store: Store) -> Bundle:
    """Return the collector as it is wanted. Raises Problem for a state folder that it cannot have."""
    state = given["state"]
    if state not in ("", state_folder(store.name)):
        fix = f"Use {state_folder(store.name)}, which its removal removes."
        raise Problem(f"'{state}' is no state folder of {store.name}", where="bundle.state", fix=fix)
    return Bundle(
        name=store.name,
        files=files,
        program=str(program.path),
        ports=_ports(given),
        metrics=given["metrics"],
        health=given["health"],
        state=state,
        ready_seconds=given["ready_seconds"],
        watch_seconds=given["watch_seconds"],
        keep=given["keep"],
    )


def _ports(given: Mapping[str, Any]) -> tuple[Port, ...]:
    return tuple(Port(item["number"], item["protocol"], item["address"]) for item in given["ports"] or ())


def check_ports(machine: Machine, bundle: Bundle, root: Path) -> None:
    """Raise Problem if another process has a port of the collector."""
    found = machine.listeners()
    if not taken(bundle.ports, found, {}, ""):
        return
    # In most runs, the collector itself has its ports. Its own processes show that, without those of the whole host.
    if not taken(bundle.ports, found, machine.holders(bundle.service), bundle.service):
        return
    rows = taken(bundle.ports, found, machine.holders(), bundle.service)
    if not machine.is_root():  # who cannot see the process cannot tell its own collector from others
        rows = [row for row in rows if row.holder.pid]
    if rows:
        raise Problem(
            "; ".join(row.text for row in rows), where="bundle.ports", fix=way_out(rows, own_collectors(root))
        )
