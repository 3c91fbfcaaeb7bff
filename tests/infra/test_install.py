import subprocess
from pathlib import Path

import pytest

from infra.local.install import WITHOUT_STARTING


def run_with_policy(policy: Path, command: str) -> subprocess.CompletedProcess[str]:
    script = WITHOUT_STARTING.replace("/usr/sbin/policy-rc.d", str(policy))
    return subprocess.run(("sh", "-c", script, "sh", "sh", "-c", command), capture_output=True, text=True)


@pytest.mark.parametrize("end", ["exit 0", "exit 3", "kill -TERM $PPID; exit 4"])
def test_no_server_is_started_while_packages_are_installed_and_all_may_be_afterwards(
    tmp_path: Path, end: str
) -> None:
    policy = tmp_path / "policy-rc.d"
    done = run_with_policy(policy, f"{policy} cron start; echo $?; {end}")
    assert done.stdout == "101\n"  # of invoke-rc.d's policy layer: an action that is not allowed
    assert (done.returncode == 0) == (end == "exit 0")
    assert not policy.exists()


def test_a_policy_of_the_machine_itself_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o755)
    assert run_with_policy(policy, f"{policy} cron start; echo $?").stdout == "104\n"
    assert policy.exists()
