#!/bin/sh
# All tests but the soak, in six lanes at once: what computes, what waits for a browser, what waits for imports (two), for
# pushes, and for anything else. With arguments, only what they name, in one lane.
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest -m "not soak" "$@"
fi
logs=$(mktemp -d)
lane() {
    name=$1
    shift
    "$python" -m pytest -m "not soak" "$@" >"$logs/$name" 2>&1 &
    lanes="$lanes $!"
}
lanes=""
lane computing tests/contract tests/unit tests/repository
lane browser tests/browser
lane imports tests/integration/imports/test_[a-h]*.py
lane imports-too tests/integration/imports/test_[i-z]*.py
lane consent tests/integration/consent
trap 'kill $lanes 2>/dev/null; rm -rf "$logs"' EXIT
trap 'exit 130' INT TERM
"$python" -m pytest -m "not soak" tests/integration --ignore tests/integration/imports --ignore tests/integration/consent
failed=$?
for one in $lanes; do
    wait "$one" || failed=1
done
cat "$logs"/*
exit $failed
