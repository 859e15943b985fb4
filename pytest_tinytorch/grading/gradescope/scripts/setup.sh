#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image.
set -uo pipefail
home="${TINYTORCH_AUTOGRADER:-/autograder}"
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
apt-get install -y -qq bubblewrap || echo "No bubblewrap: the next best level of isolation is used."

# The newest Python that the base image has or can have.
for python in python3.14 python3.13 python3.12 python3.11; do
    apt-get install -y -qq "$python-venv" >/dev/null 2>&1
    "$python" -m venv --clear "$home/venv" 2>/dev/null && break
done
if ! [ -x "$home/venv/bin/pip" ]; then
    echo "Python 3.11 or later cannot be installed here: choose a newer base image." >&2
    exit 1
fi
"$home/venv/bin/pip" install --quiet "$home"/source/*.whl
