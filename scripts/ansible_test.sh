#!/usr/bin/env bash
# ansible-test wants a collection at .../ansible_collections/NAMESPACE/NAME, whatever this checkout's folder is called:
# the files that git knows or could know (nothing ignored) are copied there.
# Usage: ansible_test.sh sanity|units [ARGUMENTS...]
set -euo pipefail
cd "$(dirname "$0")/.."
copy=.cache/ansible-test/ansible_collections/golive/delivery
rm -rf "$copy"
mkdir -p "$copy"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
  if [ -e "$file" ]; then printf '%s\n' "$file"; fi
done | tar -cf - -T - | tar -xf - -C "$copy"
# A repository of its own, or ansible-test asks this one, which ignores the copy.
git -C "$copy" init --quiet
git -C "$copy" add --all

# Its virtual environment begins with a download from the web; Python brings the same pip along.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
pip=$(python - <<'PYTHON'
import sys
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

version = ".".join(map(str, sys.version_info[:2]))
print(get_venv_packages(SimpleNamespace(version=version))["pip"].replace(".", "_"))
PYTHON
)
[ -e "$cache/get_pip_$pip.py" ] || printf 'import ensurepip\nensurepip.bootstrap(upgrade=True)\n' >"$cache/get_pip_$pip.py"

version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cd "$copy"
ansible-test "$1" --venv --color no --python "$version" "${@:2}"
