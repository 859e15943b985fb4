#!/usr/bin/env bash
# Installs the packages that are its arguments into a temporary folder, and runs there the Python
# program on its standard input. Each finding calls it; nothing of this project is used.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
cat > "$folder/finding.py"
cd "$folder"
"$folder/venv/bin/python" -W ignore finding.py
