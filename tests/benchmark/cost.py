"""Print the cost of a recorded run: tasks per role and host against the budget, seconds per phase.

Usage: cost.py RECORD.json, as the callback golive.delivery.progress writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BUDGET = 25  # tasks a host per role in a run that changes nothing: the design's rule


def main(path: str) -> int:
    record = json.loads(Path(path).read_text(encoding="utf-8"))
    over = []
    print(f"\n{'role':<16} {'host':<8} {'tasks':>5} {'executions':>10}")
    for role, hosts in sorted(record["roles"].items()):
        for host, count in sorted(hosts.items()):
            print(f"{role:<16} {host:<8} {count['tasks']:>5} {count['executions']:>10}")
            if count["tasks"] > BUDGET:
                over.append(f"{role} on {host}: {count['tasks']} tasks, the budget is {BUDGET}")
    print(f"\nwall seconds: {record['seconds']:.1f}")
    print("\n".join(over))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
