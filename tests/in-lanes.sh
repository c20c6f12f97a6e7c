#!/bin/sh
# All tests but the soak, in three lanes at once: what waits for databases and processes, what computes, what waits for a
# browser. With arguments, only what they name, in one lane.
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest -m "not soak" "$@"
fi
logs=$(mktemp -d)
"$python" -m pytest -m "not soak" tests/contract tests/unit tests/repository >"$logs/computing" 2>&1 &
computing=$!
"$python" -m pytest -m "not soak" tests/browser >"$logs/browser" 2>&1 &
browser=$!
trap 'kill $computing $browser 2>/dev/null; rm -rf "$logs"' EXIT
trap 'exit 130' INT TERM
"$python" -m pytest -m "not soak" tests/integration
failed=$?
wait $computing || failed=1
wait $browser || failed=1
cat "$logs/computing" "$logs/browser"
exit $failed
