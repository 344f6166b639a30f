"""Start site.yml and kill the whole controller (SIGKILL, the process group) at random moments.

Each run gets further than the one before it could: the bounds grow, so that the kills are spread over the phases.
Prints the seed and the second and phase of every kill; GOLIVE_KILL_SEED repeats a run.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = ("inventories/demo", "molecule/stack/inventory")
# Seconds after which each kill may come; the third falls into the application's phase on the lab's machine.
WINDOWS = ((8, 30), (15, 60), (20, 90))


def last_phase(log: Path) -> str:
    plays = re.findall(r"^PLAY \[(.*?)\]", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return plays[-1] if plays else "before the first play"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    seed = int(os.environ.get("GOLIVE_KILL_SEED") or time.time())
    chance = random.Random(seed)
    print(f"seed {seed}")
    logs = ROOT / ".cache" / "stack"
    logs.mkdir(parents=True, exist_ok=True)
    for number in range(times):
        after = chance.uniform(*WINDOWS[number % len(WINDOWS)])
        log = logs / f"killed-{number + 1}.log"
        command = ["ansible-playbook", "-vvv", *(f"--inventory={i}" for i in INVENTORIES), "playbooks/site.yml"]
        with log.open("wb") as output:
            run = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            try:
                code = run.wait(after)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                print(f"killed after {after:.1f} s in: {last_phase(log)}")
            else:
                print(f"site.yml ended by itself with {code} before {after:.1f} s: see {log.relative_to(ROOT)}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
