"""Start playbooks and kill the whole controller (SIGKILL, its workers too) at random moments.

Each kill falls a random number of seconds into a phase of its own, so that the kills are spread over site.yml. A later
run begins with the playbook that was interrupted, as the converge afterwards runs all of site.yml.
Prints the seed and the second and phase of every kill; GOLIVE_KILL_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "traffic"))
from controller import kill_all  # noqa: E402

INVENTORIES = ("inventories/demo", "molecule/stack/inventory")
# A phase, how many seconds into it the kill comes at the most, and what is run.
MOMENTS = (
    ("Baseline", 40, ("site.yml",)),
    ("Database", 60, ("site.yml",)),
    ("Application", 50, ("database.yml", "load_balancer.yml", "application.yml")),
)
PATIENCE = 600  # seconds until the phase must have begun


def phases(log: Path) -> list[str]:
    """Return the names of the plays that the run has begun."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return ["before the first play", *re.findall(r"^PLAY \[(.*?)\]", text, re.MULTILINE)]


def main() -> int:
    seed = int(os.environ.get("GOLIVE_KILL_SEED") or time.time())
    chance = random.Random(seed)
    print(f"seed {seed}")
    logs = ROOT / ".cache" / "stack"
    logs.mkdir(parents=True, exist_ok=True)
    for phase, seconds, playbooks in MOMENTS:
        after = chance.uniform(0, seconds)
        log = logs / f"killed-in-{phase.lower()}.log"
        command = ["ansible-playbook", "-vvv", *(f"--inventory={i}" for i in INVENTORIES)]
        command += [f"playbooks/{name}" for name in playbooks]
        with log.open("wb") as output:
            run = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            deadline = time.monotonic() + PATIENCE
            while run.poll() is None and time.monotonic() < deadline and not phases(log)[-1].startswith(phase):
                time.sleep(0.2)
            try:
                code = run.wait(after)
            except subprocess.TimeoutExpired:
                kill_all(run)
                print(f"killed {after:.1f} s after the start of {phase}, in: {phases(log)[-1]}")
            else:
                print(f"{playbooks[-1]} ended by itself with {code} before it could be killed in {phase}: {log.name}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
