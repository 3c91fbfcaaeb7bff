"""Installs what is missing on a Debian machine, each by its ordinary client: apt, Maven, npm.

Each step says what it does, does nothing where nothing is missing, and can be repeated after an interruption.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.config import KAFKA_JARS, REPOSITORY, VERSIONS
from infra.local.errors import LocalError
from infra.local.tools import link_node, search_path

Say = Callable[[str], None]

# A program (or a file's path) that shows the package to be there. default-jre-headless: Debian 12's Java 17.
DEBIAN_PACKAGES = {
    "mariadbd": "mariadb-server",
    "redis-server": "redis-server",
    "java": "default-jre-headless",
    "mvn": "maven",
}
# Debian's packages start their servers at once, unless this file says no. Ours are started by us, elsewhere.
WITHOUT_STARTING = """\
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
"$@"
"""
POM = Path(__file__).with_name("kafka-pom.xml")
HARAKA = REPOSITORY / "haraka"
TYPESCRIPT_CLIENT = REPOSITORY / "clients" / "typescript"


def install_all(say: Say) -> None:
    """Everything that `./kiba run` and `./kiba test` need. Raises LocalError with what to do."""
    install_debian_packages(say)
    install_kafka(say)
    install_node_packages(say)


def install_debian_packages(say: Say, packages: Mapping[str, str] = DEBIAN_PACKAGES) -> None:
    """What is missing of them, none of whose servers is started. Raises LocalError with what to do."""
    missing = [package for sign, package in packages.items() if not _is_there(sign)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise LocalError(
            f"This system has no apt. Install what Debian calls {', '.join(missing)}, then try again."
        )
    say(f"Installing {', '.join(missing)} (apt)")
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    install = (*apt, "install", "-y", "--no-install-recommends", *missing)
    by_hand = f"apt-get update && apt-get install {' '.join(missing)}"
    root, advice = as_root(by_hand), f"Is there a network? By hand: {by_hand}"
    _run((*root, *apt, "update"), advice)
    _run((*root, "sh", "-c", WITHOUT_STARTING, "sh", *install), advice)


def install_kafka(say: Say) -> None:
    """Kafka's jars out of Maven, into a folder named by the version."""
    if KAFKA_JARS.exists():
        return
    say(f"Fetching Kafka {VERSIONS['kafka']} (Maven)")
    draft = KAFKA_JARS.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    command = (
        *("mvn", "--quiet", "--batch-mode", "--file", str(POM)),
        f"-Dkafka.version={VERSIONS['kafka']}",
        f"-Dslf4j.version={VERSIONS['slf4j']}",
        *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}"),
    )
    _run(command, "Is there a network, and does Maven reach its central repository?")
    draft.rename(KAFKA_JARS)


def install_node_packages(say: Say) -> None:
    """Node from its wheel, and the packages that each package-lock.json pins."""
    link_node()
    _install_node_packages(say, "the edge's packages", HARAKA)
    _install_node_packages(say, "the TypeScript client's packages", TYPESCRIPT_CLIENT)


def _install_node_packages(say: Say, what: str, folder: Path) -> None:
    installed = folder / "node_modules" / ".installed"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if installed.exists() and installed.read_text() == wanted:
        return
    say(f"Installing {what} (npm)")
    _run(
        ("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"),
        "Is there a network?",
        folder,
    )
    installed.write_text(wanted)


def _is_there(sign: str) -> bool:
    return Path(sign).is_file() or shutil.which(sign, path=search_path()) is not None


def as_root(by_hand: str) -> Sequence[str]:
    """What comes before a command that only root may give. Raises LocalError, which tells it `by_hand`."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo"):
        return ("sudo",)
    raise LocalError(f"This needs root or sudo. As root: {by_hand}")


def _run(command: Sequence[str], advice: str, cwd: Path = REPOSITORY) -> None:
    """Runs a client in silence; if it fails, raises LocalError with the end of what it said, and `advice`."""
    # npm would keep compiled code in the shared temporary folder.
    env = {**os.environ, "PATH": search_path(), "NODE_DISABLE_COMPILE_CACHE": "1"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-20:])
        raise LocalError(f"`{' '.join(command)}` failed. {advice}\n{said}")
