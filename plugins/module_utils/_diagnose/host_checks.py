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
        id="systemd_too_old",
        find="systemd && systemd < `247` && [{about: 'start', version: systemd}]",
        message="systemd {version} is too old for the sandbox of the unit",
        fix="Use a host with systemd 247 or newer.",
        stage="exists",
    ),
    Check(
        id="absent",
        find="!(release.number) && service.load == 'not-found' && [{about: 'start', unit: service.unit}]",
        message="there is no service {unit}",
        fix=_RUN_SITE,
        stage="exists",
    ),
    Check(
        id="foreign",
        find="!(release.number) && service.load != 'not-found' && [{about: 'start', unit: service.unit}]",
        message="{unit} belongs to another owner",
        fix="Rename the collector, or remove that unit.",
        stage="exists",
    ),
    Check(
        id="masked",
        find="service.load == 'masked' && [{about: 'start', unit: service.unit}]",
        message="{unit} is masked, so nothing starts it",
        fix="Run `systemctl unmask {unit}`, then `site`.",
        stage="exists",
    ),
    Check(
        id="stopped",
        find="release.number && service.load == 'loaded' && service.active == 'inactive' && service.result == 'success'"
        " && [{about: 'start', unit: service.unit}]",
        message="{unit} was stopped",
        fix="Run `site`, which starts it.",
        stage="exists",
    ),
    Check(
        id="not_linked",
        find="release.number && service.load == 'not-found'"
        " && [{about: 'start', unit: service.unit, release: release.number}]",
        message="systemd does not know {unit}, although its release {release} is there",
        fix=_RUN_SITE,
        stage="exists",
    ),
    Check(
        id="not_at_boot",
        find="service.load == 'loaded' && !contains(['enabled', 'static', 'generated'], service.at_boot)"
        " && [{unit: service.unit}]",
        message="{unit} does not start when the host boots, because it was disabled",
        fix="Run `site`, which enables it.",
        stage="exists",
        severity="warning",
    ),
    Check(
        id="program_missing",
        find="!(program.is_there) && release.number && [{about: 'start', path: program.path}]",
        message="the program {path} is missing",
        fix="Install it again, or run `site` if the collection installed it.",
        stage="holds",
    ),
    Check(
        id="credential_missing",
        find="credentials[].{about: 'start', path: @}",
        message="the file of a credential is missing: {path}",
        fix="Put the secret there, then run `site`.",
        stage="holds",
    ),
    Check(
        id="port_taken",
        find="taken[].{about: 'start', text: text, fix: fix}",
        message="{text}",
        fix="{fix}",
        stage="holds",
    ),
    Check(
        id="certificate_missing",
        find="certificates[?state=='missing']",
        message="there is no file {path}",
        fix="Put the file there, or correct the path.",
        stage="holds",
    ),
    Check(
        id="certificate_unreadable",
        find="certificates[?state=='unreadable']",
        message="the service may not read {file}: {what} {path} belongs to {owner}:{group} and has mode {mode}",
        fix="{fix}",
        stage="holds",
    ),
    Check(
        id="certificate_not_read",
        find="certificates[?state=='not_read']",
        message="this run could not read {file}, so the dates of its certificate are not known",
        fix="Let root read the file, or look at its dates on the host.",
        stage="holds",
        severity="warning",
    ),
    Check(
        id="state_full",
        find="disks[?full]",
        message="the file system of {path} is full",
        fix="Free space, or move the folder to a larger file system.",
        stage="holds",
    ),
    Check(
        id="state_nearly_full",
        find="disks[?!full && percent >= `95`]",
        message="the file system of {path} is {percent} % full ({free_mib} MiB left)",
        fix="Free space.",
        stage="holds",
        severity="warning",
    ),
    Check(
        id="start_limit",
        find="service.given_up && [{about: 'start', unit: service.unit}]",
        message="systemd has given up: it was started too often",
        fix="Mend what follows, then run `systemctl reset-failed {unit}` and `site`.",
        stage="starts",
    ),
    Check(
        id="killed_for_memory",
        find="killed[].{about: 'start', limit: limit, seconds: seconds}",
        message="the kernel killed it {seconds} s ago, because it needed more than its memory limit of {limit}",
        fix="Raise `memory_limit`, or lower what it keeps in memory.",
        stage="starts",
    ),
    Check(
        id="not_running",
        find="symptoms",
        message="the service does not run ({state}): {cause} {last}",
        fix="{fix}",
        stage="starts",
    ),
    Check(
        id="change_under_way",
        find="release.change && [{about: 'start', number: release.change}]",
        message="a run began release {number} and has not ended its change",
        fix="If no run is changing it now, run `site`, which completes or undoes the change.",
        stage="starts",
        severity="warning",
    ),
    Check(
        id="shut",
        find="running && closed[].{about: 'start', port: @}",
        message="nothing listens on port {port}, which its config opens",
        fix="Read what the component says in the journal.",
        stage="starts",
    ),
    Check(
        id="unhealthy",
        find="unhealthy && [{about: 'start', text: unhealthy}]",
        message="it does not say that it is healthy: {text}",
        fix="Read its journal.",
        stage="starts",
    ),
    Check(
        id="restarted",
        find="running && service.restarts > `0` && service.seconds < `600` && !killed"
        " && [{restarts: service.restarts, seconds: service.seconds, last: last_words, unit: service.unit}]",
        message="it ended and was started again {seconds} s ago (restarts: {restarts}): {last}",
        fix="Read its journal: `journalctl -u {unit}`.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        id="release_differs",
        find="release.differs && [{number: release.number, files: join(', ', release.differs)}]",
        message="release {number} is not what the inventory says: {files} differs",
        fix="Run `site --check --diff` to see the difference, then `site`.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="unit_changed",
        find="drop_ins[].{file: @}",
        message="{file} changes the unit",
        fix="Move its settings to the inventory, and remove it.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="unit_not_read",
        find="service.stale && [{unit: service.unit}]",
        message="{unit} has changed on disk, and systemd has not read it again",
        fix="Run `systemctl daemon-reload`, then `site`.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="program_changed",
        find="program.is_replaced && [{path: program.path}]",
        message="the file {path} was replaced after the service had started",
        fix="Restart the service, to run the new program.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="denied_by_selinux",
        find="denials[].{text: @}",
        message="SELinux has denied something to it: {text}",
        fix="See `ausearch -m avc -c otelcol`; label the file, or let a policy module allow it.",
        stage="rights",
    ),
    Check(
        id="file_unreadable",
        find="shut_files",
        message="the service may not read {file}{others}: {what} {path} belongs to {owner}:{group} and has mode {mode}",
        fix="{fix}",
        stage="rights",
    ),
    Check(
        id="journal_forbidden",
        find="journal_shut[].{about: about, groups: groups}",
        message="the service may not read the journal, because its unit has no group of the journal{groups}",
        fix="Run `site`, which gives the unit the group systemd-journal.",
        stage="rights",
    ),
    Check(
        id="no_file",
        find="patterns[?count==`0`]",
        message="no file matches {pattern}",
        fix="Correct the pattern, or check that the application writes there.",
        stage="way",
        severity="warning",
    ),
    Check(
        id="journal_is_lost",
        find="journal_receivers && !journal_is_kept && [{about: journal_receivers[0]}]",
        message="the host keeps no journal over a restart, so records of a reboot are lost",
        fix="Make the folder /var/log/journal, and restart systemd-journald.",
        stage="way",
        severity="info",
    ),
    Check(
        id="certificate_expired",
        find="certificates[?state=='expired']",
        message="the certificate in {path} expired {left} ago, at {not_after}",
        fix="Renew it.",
        stage="certificates",
    ),
    Check(
        id="certificate_early",
        find="certificates[?state=='not_yet_valid']",
        message="the certificate in {path} is valid only from {not_before}",
        fix="Check the clock of the host, or reissue the certificate.",
        stage="certificates",
    ),
    Check(
        id="certificate_soon",
        find="certificates[?state=='soon']",
        message="the certificate in {path} expires in {left}",
        fix="Renew it.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="clock_wrong",
        find="skew && [skew]",
        message="the clock of the host is {age} {direction} that of the controller{unsynchronized}",
        fix="Let a time server set the clock, such as by chrony.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="peer_unknown",
        find="peers[?state=='no_name']",
        message="the host cannot resolve {host}",
        fix="Correct the endpoint, or the name servers of the host (/etc/resolv.conf).",
        stage="way",
    ),
    Check(
        id="peer_refused",
        find="peers[?state=='refused']",
        message="nothing listens at {endpoint}: connection refused",
        fix="Start what listens there, or correct the port.",
        stage="way",
    ),
    Check(
        id="peer_out_of_reach",
        find="peers[?state=='no_way']",
        message="{endpoint} does not answer",
        fix="Look for firewalls and routes on the way.",
        stage="way",
    ),
)
ALL_HOST_CHECKS: tuple[Check, ...] = (*HOST_CHECKS, *FLOW_CHECKS)
