"""A short chaos, by the command, on servers of its own; without those that take long to start."""

import subprocess
import sys

VICTIMS = ("fanout", "smtp", "webhook", "enricher", "mariadb", "redis", "connections")


def test_parts_die_together_twice_in_one_broadcast_and_everybody_is_accounted_for():
    chaos = (sys.executable, "-m", "sidecars.cli", "chaos", "--recipients", "300", "--all-at-once")
    victims = [option for name in VICTIMS for option in ("--only", name)]
    done = subprocess.run((*chaos, "--signal", "kill", *victims), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every promise kept: yes" in done.stdout
