#!/usr/bin/env bash
# Builds the collection and proves that it holds what it should and nothing else, and that it works installed elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ansible-galaxy collection build --output-path "$work" >/dev/null
artefact=$(echo "$work"/golive-delivery-*.tar.gz)

size=$(stat -c %s "$artefact")
[ "$size" -lt $((5 * 1024 * 1024)) ] || { echo "The artefact is $size bytes: more than 5 MB" >&2; exit 1; }
strays=$(tar -tzf "$artefact" | grep -E '(^|/)(tests|molecule|\.cache|\.venv|\.secrets|\.git|__pycache__|reports)(/|$)|\.pyc$|ssh_key' || true)
[ -z "$strays" ] || { printf 'The artefact holds what it should not:\n%s\n' "$strays" >&2; exit 1; }

# Installed on its own, beside nothing of this checkout: from another folder, by its name.
mkdir "$work/elsewhere"
ansible-galaxy collection install --no-deps --force -p "$work/collections" "$artefact" >/dev/null 2>&1
cd "$work/elsewhere"
unset ANSIBLE_CONFIG
export ANSIBLE_COLLECTIONS_PATH=$work/collections
used=$(ansible-doc -t module --json golive.delivery.technical_check | grep -o '"filename": ".*"')
[[ $used == *"$work/collections"* ]] || { echo "Not the installed collection was used: $used" >&2; exit 1; }
ansible-playbook golive.delivery.site -i "$OLDPWD/inventories/demo" --list-tasks >/dev/null
echo "$(basename "$artefact"): $((size / 1024)) KiB, $(tar -tzf "$artefact" | wc -l) entries"
