#!/bin/sh
# All tests but the soak, in two lanes at once: what waits for databases, processes and browsers, and what computes.
# With arguments, only what they name, in one lane.
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest -m "not soak" "$@"
fi
log=$(mktemp)
"$python" -m pytest -m "not soak" tests/contract tests/unit tests/repository >"$log" 2>&1 &
lane=$!
trap 'kill $lane 2>/dev/null; rm -f "$log"' EXIT
trap 'exit 130' INT TERM
"$python" -m pytest -m "not soak" tests/integration tests/browser
waiting=$?
wait $lane
computing=$?
cat "$log"
[ $waiting -eq 0 ] && [ $computing -eq 0 ]
