"""A short chaos, by the command, on servers of its own; without those that take long to start."""

import re
import subprocess
import sys

from chaos.blows import kill
from chaos.plan import TOGETHER, TOGETHER_STRIKES
from chaos.trials import Strikes

RECIPIENTS = 300
VICTIMS = ("fanout", "smtp", "webhook", "enricher", "mariadb", "redis", "connections")


def test_parts_die_together_twice_in_one_broadcast_and_everybody_is_accounted_for():
    chaos = (sys.executable, "-m", "sidecars.cli", "chaos", "--recipients", str(RECIPIENTS))
    victims = [option for name in VICTIMS for option in ("--only", name)]
    together = ("--all-at-once", "--signal", "kill", "--seed", "7")
    done = subprocess.run((*chaos, *together, *victims), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every promise kept: yes" in done.stdout
    assert_struck_as_the_seed_draws(done.stdout)


def assert_struck_as_the_seed_draws(output):
    due = Strikes(TOGETHER, VICTIMS, kill(), TOGETHER_STRIKES).schedule(7)
    told = re.findall(r"due at (\S+) of the mails for (\S+) s; at (\d+) mails", output)
    assert [(share, seconds) for share, seconds, _ in told] == [
        (f"{share:.1%}", f"{seconds:.1f}") for share, seconds in due
    ]
    assert all(int(mails) >= share * RECIPIENTS for (*_, mails), (share, _) in zip(told, due, strict=True))
