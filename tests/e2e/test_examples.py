"""What examples/ shows a new user works, with no more than it tells."""

import subprocess
import sys

from infra.local.config import REPOSITORY
from tests.e2e.conftest import Demo


def test_a_new_users_hour_goes_from_signing_up_to_the_webhook_of_a_mail_by_each_way(demo: Demo) -> None:
    stack = demo.stack
    typescript = REPOSITORY / "clients" / "typescript"
    subprocess.run(
        ("npm", "run", "build", "--silent"), cwd=typescript, env=stack.env(), check=True, timeout=120
    )
    stack.start_processes("courier")
    try:
        done = subprocess.run(
            (
                *(sys.executable, "examples/hour.py", "--api", stack.url("web")),
                *("--simulator", stack.url("simulator_http")),
                *("--smtp-port", str(stack.ports["smtp_submission"])),
            ),
            env={**stack.env(), "PYTHONPATH": str(REPOSITORY / "clients" / "python")},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    finally:
        stack.stop_processes("courier")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Told by webhook: delivered to") == 3
