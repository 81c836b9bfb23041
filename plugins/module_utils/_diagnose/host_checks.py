# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of a collector that runs as a service of a Linux host, as a table.

`plugin_utils/_host_diagnose.py` runs `ALL_HOST_CHECKS`. The expression of a check is a JMESPath that searches the facts
of `host_situation.py`. It yields mappings, and the message and the fix of the check take their `{fields}` from one of
them. An empty list, false or null finds nothing. For example, check `credential_missing` finds one thing in these
facts; `about` is the component or part that it is about:

    facts:    {"missing_credentials": ["/etc/token"], …}
    yielded:  [{"about": "start", "path": "/etc/token"}]
    finding:  start: the file of a credential is missing: /etc/token → Put the secret there, then run `site`.

The table has the order of `diagnose_checks.STAGES`: what is wrong in an early stage explains what is wrong in a later
one. The checks of the flow, of queues and of the log are the same for clusters, see `checks_flow.py`. Private.
"""

from __future__ import annotations

from .checks_flow import FLOW_CHECKS
from .diagnose_checks import Check

# The fix for what every run of the playbook `site` mends.
_RUN_SITE = "Run `site`."
# Checks of severity warning that are errors where test data is sent: that expects the release of the inventory, and
# room in the queues.
EXPECTED_CHECK_IDS = ("release_differs", "queue_high")

HOST_CHECKS = (
    # ── exists: whether the service exists, and whether something starts it ──
    # `release.number` is that of the release that this collection has installed; without one, `absent` or `foreign`
    # applies, by whether systemd knows a unit of that name, and with one `not_linked` if systemd does not know it.
    Check(
        id="systemd_too_old",
        find_expression="systemd_version && systemd_version < `247` && [{about: 'start', version: systemd_version}]",
        message_template="systemd {version} is too old for the sandbox of the unit",
        fix_template="Use a host with systemd 247 or newer.",
        stage="exists",
    ),
    Check(
        id="absent",
        find_expression="!(release.number) && service.load == 'not-found' && [{about: 'start', unit: service.unit}]",
        message_template="there is no service {unit}",
        fix_template=_RUN_SITE,
        stage="exists",
    ),
    Check(
        id="foreign",
        find_expression="!(release.number) && service.load != 'not-found' && [{about: 'start', unit: service.unit}]",
        message_template="{unit} belongs to another owner",
        fix_template="Rename the collector, or remove that unit.",
        stage="exists",
    ),
    Check(
        id="masked",
        find_expression="service.load == 'masked' && [{about: 'start', unit: service.unit}]",
        message_template="{unit} is masked, so nothing starts it",
        fix_template="Run `systemctl unmask {unit}`, then `site`.",
        stage="exists",
    ),
    Check(
        id="stopped",
        find_expression=(
            "release.number && service.load == 'loaded' && service.active == 'inactive' && service.result == 'success'"
            " && [{about: 'start', unit: service.unit}]"
        ),
        message_template="{unit} was stopped",
        fix_template="Run `site`, which starts it.",
        stage="exists",
    ),
    Check(
        id="not_linked",
        find_expression=(
            "release.number && service.load == 'not-found'"
            " && [{about: 'start', unit: service.unit, release: release.number}]"
        ),
        message_template="systemd does not know {unit}, although its release {release} is there",
        fix_template=_RUN_SITE,
        stage="exists",
    ),
    Check(
        id="not_at_boot",
        find_expression=(
            "service.load == 'loaded' && !contains(['enabled', 'static', 'generated'], service.at_boot)"
            " && [{unit: service.unit}]"
        ),
        message_template="{unit} does not start when the host boots, because it was disabled",
        fix_template="Run `site`, which enables it.",
        stage="exists",
        severity="warning",
    ),
    # ── holds: whether it has its program, its files, its ports and room on the disks ──
    Check(
        id="program_missing",
        find_expression="!(program.is_there) && release.number && [{about: 'start', path: program.path}]",
        message_template="the program {path} is missing",
        fix_template="Install it again, or run `site` if the collection installed it.",
        stage="holds",
    ),
    Check(
        id="credential_missing",
        find_expression="missing_credentials[].{about: 'start', path: @}",
        message_template="the file of a credential is missing: {path}",
        fix_template="Put the secret there, then run `site`.",
        stage="holds",
    ),
    Check(
        id="port_taken",
        find_expression="taken_ports[].{about: 'start', text: text, fix: fix}",
        message_template="{text}",
        fix_template="{fix}",
        stage="holds",
    ),
    Check(
        id="certificate_missing",
        find_expression="certificates[?state=='missing']",
        message_template="there is no file {path}",
        fix_template="Put the file there, or correct the path.",
        stage="holds",
    ),
    Check(
        id="certificate_unreadable",
        find_expression="certificates[?state=='unreadable']",
        message_template=(
            "the service may not read {file}: {what} {path} belongs to {owner}:{group} and has mode {mode}"
        ),
        fix_template="{fix}",
        stage="holds",
    ),
    Check(
        id="certificate_not_read",
        find_expression="certificates[?state=='not_read']",
        message_template="this run could not read {file}, so the dates of its certificate are not known",
        fix_template="Let root read the file, or look at its dates on the host.",
        stage="holds",
        severity="warning",
    ),
    Check(
        id="state_full",
        find_expression="disks[?full]",
        message_template="the file system of {path} is full",
        fix_template="Free space, or move the folder to a larger file system.",
        stage="holds",
    ),
    Check(
        id="state_nearly_full",
        find_expression="disks[?!full && percent >= `95`]",
        message_template="the file system of {path} is {percent} % full ({free_mib} MiB left)",
        fix_template="Free space.",
        stage="holds",
        severity="warning",
    ),
    # ── config: whether its release, its unit and its program are those that run ──
    Check(
        id="release_differs",
        find_expression="release.differs && [{number: release.number, files: join(', ', release.differs)}]",
        message_template="release {number} is not what the inventory says: {files} differs",
        fix_template="Run `site --check --diff` to see the difference, then `site`.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="unit_changed",
        find_expression="drop_ins[].{file: @}",
        message_template="{file} changes the unit",
        fix_template="Move its settings to the inventory, and remove it.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="unit_not_read",
        find_expression="service.stale && [{unit: service.unit}]",
        message_template="{unit} has changed on disk, and systemd has not read it again",
        fix_template="Run `systemctl daemon-reload`, then `site`.",
        stage="config",
        severity="warning",
    ),
    Check(
        id="program_changed",
        find_expression="program.is_replaced && [{path: program.path}]",
        message_template="the file {path} was replaced after the service had started",
        fix_template="Restart the service, to run the new program.",
        stage="config",
        severity="warning",
    ),
    # ── starts: whether it starts and runs ──
    Check(
        id="start_limit",
        find_expression="service.given_up && [{about: 'start', unit: service.unit}]",
        message_template="systemd has given up: it was started too often",
        fix_template="Mend what follows, then run `systemctl reset-failed {unit}` and `site`.",
        stage="starts",
    ),
    Check(
        id="killed_for_memory",
        find_expression="memory_kills[].{about: 'start', limit: limit, seconds: seconds}",
        message_template=(
            "the kernel killed it {seconds} s ago, because it needed more than its memory limit of {limit}"
        ),
        fix_template="Raise `memory_limit`, or lower what it keeps in memory.",
        stage="starts",
    ),
    Check(
        id="not_running",
        find_expression="symptoms",
        message_template="the service does not run ({state}): {cause} {last}",
        fix_template="{fix}",
        stage="starts",
    ),
    Check(
        id="change_under_way",
        find_expression="release.change && [{about: 'start', number: release.change}]",
        message_template="a run began release {number} and has not ended its change",
        fix_template="If no run is changing it now, run `site`, which completes or undoes the change.",
        stage="starts",
        severity="warning",
    ),
    Check(
        id="shut",
        find_expression="running && unopened_ports[].{about: 'start', port: @}",
        message_template="nothing listens on port {port}, which its config opens",
        fix_template="Read what the component says in the journal.",
        stage="starts",
    ),
    Check(
        id="unhealthy",
        find_expression="unhealthy_reason && [{about: 'start', text: unhealthy_reason}]",
        message_template="it does not say that it is healthy: {text}",
        fix_template="Read its journal.",
        stage="starts",
    ),
    # ── rights: whether it may read what its config names ──
    Check(
        id="denied_by_selinux",
        find_expression="selinux_denials[].{text: @}",
        message_template="SELinux has denied something to it: {text}",
        fix_template="See `ausearch -m avc -c otelcol`; label the file, or let a policy module allow it.",
        stage="rights",
    ),
    Check(
        id="file_unreadable",
        find_expression="unreadable_files",
        message_template=(
            "the service may not read {file}{others}: {what} {path} belongs to {owner}:{group} and has mode {mode}"
        ),
        fix_template="{fix}",
        stage="rights",
    ),
    Check(
        id="journal_forbidden",
        find_expression="receivers_without_journal[].{about: about, groups: groups}",
        message_template="the service may not read the journal, because its unit has no group of the journal{groups}",
        fix_template="Run `site`, which gives the unit the group systemd-journal.",
        stage="rights",
    ),
    # ── certificates: whether its certificates are valid, and the clock of the host is right ──
    Check(
        id="certificate_expired",
        find_expression="certificates[?state=='expired']",
        message_template="the certificate in {path} expired {left} ago, at {not_after}",
        fix_template="Renew it.",
        stage="certificates",
    ),
    Check(
        id="certificate_early",
        find_expression="certificates[?state=='not_yet_valid']",
        message_template="the certificate in {path} is valid only from {not_before}",
        fix_template="Check the clock of the host, or reissue the certificate.",
        stage="certificates",
    ),
    Check(
        id="certificate_soon",
        find_expression="certificates[?state=='soon']",
        message_template="the certificate in {path} expires in {left}",
        fix_template="Renew it.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="clock_wrong",
        find_expression="clock_difference && [clock_difference]",
        message_template="the clock of the host is {age} {direction} that of the controller{unsynchronized}",
        fix_template="Let a time server set the clock, such as by chrony.",
        stage="certificates",
        severity="warning",
    ),
    # ── way: the way from what it reads, and to where it sends ──
    Check(
        id="no_file",
        find_expression="file_patterns[?count==`0`]",
        message_template="no file matches {pattern}",
        fix_template="Correct the pattern, or check that the application writes there.",
        stage="way",
        severity="warning",
    ),
    Check(
        id="journal_is_lost",
        find_expression="journal_receivers && !journal_is_kept && [{about: journal_receivers[0]}]",
        message_template="the host keeps no journal over a restart, so records of a reboot are lost",
        fix_template="Make the folder /var/log/journal, and restart systemd-journald.",
        stage="way",
        severity="info",
    ),
    Check(
        id="peer_unknown",
        find_expression="peers[?state=='no_name']",
        message_template="the host cannot resolve {host}",
        fix_template="Correct the endpoint, or the name servers of the host (/etc/resolv.conf).",
        stage="way",
    ),
    Check(
        id="peer_refused",
        find_expression="peers[?state=='refused']",
        message_template="nothing listens at {endpoint}: connection refused",
        fix_template="Start what listens there, or correct the port.",
        stage="way",
    ),
    Check(
        id="peer_out_of_reach",
        find_expression="peers[?state=='no_way']",
        message_template="{endpoint} does not answer",
        fix_template="Look for firewalls and routes on the way.",
        stage="way",
    ),
    # ── capacity: whether something limits it ──
    Check(
        id="restarted",
        find_expression=(
            # A kill for memory is reported by `killed_for_memory`.
            "running && service.restarts > `0` && service.seconds < `600` && !memory_kills"
            " && [{restarts: service.restarts, seconds: service.seconds, last: last_words, unit: service.unit}]"
        ),
        message_template="it ended and was started again {seconds} s ago (restarts: {restarts}): {last}",
        fix_template="Read its journal: `journalctl -u {unit}`.",
        stage="capacity",
        severity="warning",
    ),
)
ALL_HOST_CHECKS: tuple[Check, ...] = (*HOST_CHECKS, *FLOW_CHECKS)
