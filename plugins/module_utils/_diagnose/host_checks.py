# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of a collector that runs as a service of a Linux host. Private.

They are rows as those of clusters are: a JMESPath over facts, which `build_host_situation` makes of what the host says.
Checks of what flows, of queues and of the log are those of clusters.
"""

from __future__ import annotations

from .checks_flow import FLOW_CHECKS
from .diagnose_checks import Check

_RUN_SITE = "Run `site`."
# What only a run that expects the inventory's release counts as an error.
EXPECTED_CHECK_IDS = ("release_differs", "queue_high")

HOST_CHECKS = (
    Check(
        "systemd_too_old",
        "systemd && systemd < `247` && [{about: 'start', version: systemd}]",
        "systemd {version} is too old for the sandbox of the unit",
        "Use a host with systemd 247 or newer.",
        "exists",
    ),
    Check(
        "absent",
        "!(release.number) && service.load == 'not-found' && [{about: 'start', unit: service.unit}]",
        "there is no service {unit}",
        _RUN_SITE,
        "exists",
    ),
    Check(
        "foreign",
        "!(release.number) && service.load != 'not-found' && [{about: 'start', unit: service.unit}]",
        "{unit} belongs to another owner",
        "Rename the collector, or remove that unit.",
        "exists",
    ),
    Check(
        "masked",
        "service.load == 'masked' && [{about: 'start', unit: service.unit}]",
        "{unit} is masked, so nothing starts it",
        "Run `systemctl unmask {unit}`, then `site`.",
        "exists",
    ),
    Check(
        "stopped",
        "release.number && service.load == 'loaded' && service.active == 'inactive' && service.result == 'success'"
        " && [{about: 'start', unit: service.unit}]",
        "{unit} was stopped",
        "Run `site`, which starts it.",
        "exists",
    ),
    Check(
        "not_linked",
        "release.number && service.load == 'not-found'"
        " && [{about: 'start', unit: service.unit, release: release.number}]",
        "systemd does not know {unit}, although its release {release} is there",
        _RUN_SITE,
        "exists",
    ),
    Check(
        "not_at_boot",
        "service.load == 'loaded' && !contains(['enabled', 'static', 'generated'], service.at_boot)"
        " && [{unit: service.unit}]",
        "{unit} does not start when the host boots, because it was disabled",
        "Run `site`, which enables it.",
        "exists",
        "warning",
    ),
    Check(
        "program_missing",
        "!(program.is_there) && release.number && [{about: 'start', path: program.path}]",
        "the program {path} is missing",
        "Install it again, or run `site` if the collection installed it.",
        "holds",
    ),
    Check(
        "credential_missing",
        "credentials[].{about: 'start', path: @}",
        "the file of a credential is missing: {path}",
        "Put the secret there, then run `site`.",
        "holds",
    ),
    Check(
        "port_taken",
        "taken[].{about: 'start', text: text, fix: fix}",
        "{text}",
        "{fix}",
        "holds",
    ),
    Check(
        "certificate_missing",
        "certificates[?state=='missing']",
        "there is no file {path}",
        "Put the file there, or correct the path.",
        "holds",
    ),
    Check(
        "certificate_unreadable",
        "certificates[?state=='unreadable']",
        "the service may not read {file}: {what} {path} belongs to {owner}:{group} and has mode {mode}",
        "{fix}",
        "holds",
    ),
    Check(
        "certificate_not_read",
        "certificates[?state=='not_read']",
        "this run could not read {file}, so the dates of its certificate are not known",
        "Let root read the file, or look at its dates on the host.",
        "holds",
        "warning",
    ),
    Check(
        "state_full",
        "disks[?full]",
        "the file system of {path} is full",
        "Free space, or move the folder to a larger file system.",
        "holds",
    ),
    Check(
        "state_nearly_full",
        "disks[?!full && percent >= `95`]",
        "the file system of {path} is {percent} % full ({free_mib} MiB left)",
        "Free space.",
        "holds",
        "warning",
    ),
    Check(
        "start_limit",
        "service.given_up && [{about: 'start', unit: service.unit}]",
        "systemd has given up: it was started too often",
        "Mend what follows, then run `systemctl reset-failed {unit}` and `site`.",
        "starts",
    ),
    Check(
        "killed_for_memory",
        "killed[].{about: 'start', limit: limit, seconds: seconds}",
        "the kernel killed it {seconds} s ago, because it needed more than its memory limit of {limit}",
        "Raise `memory_limit`, or lower what it keeps in memory.",
        "starts",
    ),
    Check(
        "not_running",
        "symptoms",
        "the service does not run ({state}): {cause} {last}",
        "{fix}",
        "starts",
    ),
    Check(
        "change_under_way",
        "release.change && [{about: 'start', number: release.change}]",
        "a run began release {number} and has not ended its change",
        "If no run is changing it now, run `site`, which completes or undoes the change.",
        "starts",
        "warning",
    ),
    Check(
        "shut",
        "running && closed[].{about: 'start', port: @}",
        "nothing listens on port {port}, which its config opens",
        "Read what the component says in the journal.",
        "starts",
    ),
    Check(
        "unhealthy",
        "unhealthy && [{about: 'start', text: unhealthy}]",
        "it does not say that it is healthy: {text}",
        "Read its journal.",
        "starts",
    ),
    Check(
        "restarted",
        "running && service.restarts > `0` && service.seconds < `600` && !killed"
        " && [{restarts: service.restarts, seconds: service.seconds, last: last_words, unit: service.unit}]",
        "it ended and was started again {seconds} s ago (restarts: {restarts}): {last}",
        "Read its journal: `journalctl -u {unit}`.",
        "capacity",
        "warning",
    ),
    Check(
        "release_differs",
        "release.differs && [{number: release.number, files: join(', ', release.differs)}]",
        "release {number} is not what the inventory says: {files} differs",
        "Run `site --check --diff` to see the difference, then `site`.",
        "config",
        "warning",
    ),
    Check(
        "unit_changed",
        "drop_ins[].{file: @}",
        "{file} changes the unit",
        "Move its settings to the inventory, and remove it.",
        "config",
        "warning",
    ),
    Check(
        "unit_not_read",
        "service.stale && [{unit: service.unit}]",
        "{unit} has changed on disk, and systemd has not read it again",
        "Run `systemctl daemon-reload`, then `site`.",
        "config",
        "warning",
    ),
    Check(
        "program_changed",
        "program.is_replaced && [{path: program.path}]",
        "the file {path} was replaced after the service had started",
        "Restart the service, to run the new program.",
        "config",
        "warning",
    ),
    Check(
        "denied_by_selinux",
        "denials[].{text: @}",
        "SELinux has denied something to it: {text}",
        "See `ausearch -m avc -c otelcol`; label the file, or let a policy module allow it.",
        "rights",
    ),
    Check(
        "file_unreadable",
        "shut_files",
        "the service may not read {file}{others}: {what} {path} belongs to {owner}:{group} and has mode {mode}",
        "{fix}",
        "rights",
    ),
    Check(
        "journal_forbidden",
        "journal_shut[].{about: about, groups: groups}",
        "the service may not read the journal, because its unit has no group of the journal{groups}",
        "Run `site`, which gives the unit the group systemd-journal.",
        "rights",
    ),
    Check(
        "no_file",
        "patterns[?count==`0`]",
        "no file matches {pattern}",
        "Correct the pattern, or check that the application writes there.",
        "way",
        "warning",
    ),
    Check(
        "journal_is_lost",
        "journal_receivers && !journal_is_kept && [{about: journal_receivers[0]}]",
        "the host keeps no journal over a restart, so records of a reboot are lost",
        "Make the folder /var/log/journal, and restart systemd-journald.",
        "way",
        "info",
    ),
    Check(
        "certificate_expired",
        "certificates[?state=='expired']",
        "the certificate in {path} expired {left} ago, at {not_after}",
        "Renew it.",
        "certificates",
    ),
    Check(
        "certificate_early",
        "certificates[?state=='not_yet_valid']",
        "the certificate in {path} is valid only from {not_before}",
        "Check the clock of the host, or reissue the certificate.",
        "certificates",
    ),
    Check(
        "certificate_soon",
        "certificates[?state=='soon']",
        "the certificate in {path} expires in {left}",
        "Renew it.",
        "certificates",
        "warning",
    ),
    Check(
        "clock_wrong",
        "skew && [skew]",
        "the clock of the host is {age} {direction} that of the controller{unsynchronized}",
        "Let a time server set the clock, such as by chrony.",
        "certificates",
        "warning",
    ),
    Check(
        "peer_unknown",
        "peers[?state=='no_name']",
        "the host cannot resolve {host}",
        "Correct the endpoint, or the name servers of the host (/etc/resolv.conf).",
        "way",
    ),
    Check(
        "peer_refused",
        "peers[?state=='refused']",
        "nothing listens at {endpoint}: connection refused",
        "Start what listens there, or correct the port.",
        "way",
    ),
    Check(
        "peer_out_of_reach",
        "peers[?state=='no_way']",
        "{endpoint} does not answer",
        "Look for firewalls and routes on the way.",
        "way",
    ),
)
ALL_HOST_CHECKS: tuple[Check, ...] = (*HOST_CHECKS, *FLOW_CHECKS)
