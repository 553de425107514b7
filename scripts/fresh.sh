#!/usr/bin/env bash
# The two commands of the README on a fresh copy of the sources, with the Node of this machine: installs in under a
# minute, everything but the Node binaries stays under 150 MB, and the printed line answers with 200.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
stop() {
  kill "$(cat "$work/.headgate/headgate.pid" 2>/dev/null)" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
fail() {
  echo "fresh: $1" >&2
  exit 1
}

cd "$root"
git ls-files --cached --others --exclude-standard -z | while IFS= read -r -d '' file; do
  if [[ -f $file ]]; then cp --parents "$file" "$work"; fi
done
cd "$work"

SECONDS=0
npm ci --no-audit --no-fund >ci.log 2>&1 || fail "npm ci failed: $(tail -n 5 ci.log)"
took=$SECONDS
rest=$(du -sm --exclude='node-*' --exclude='node-bin-*' node_modules | cut -f1)
echo "npm ci: $took s; $rest MB beside the Node binaries"
((took <= 60)) || fail "npm ci took $took s"
((rest <= 150)) || fail "the install has $rest MB beside the Node binaries"

env -i PATH="$PATH" HOME="$HOME" npm start --silent -- --port 0 >out 2>err &
for _ in $(seq 300); do
  grep -q '^curl ' out && break
  sleep 0.1
done
line=$(grep '^curl ' out) || fail "no curl line was printed: $(tail -n 5 err)"
status=$(bash -c "$line -sS -m 20 -o answer -w '%{http_code}'")
[[ $status == 200 ]] || fail "the printed line was answered with $status: $(cat answer)"
curl -sS -m 20 "$(grep -o 'http://[^ ]*/console/' out | head -n 1)" | grep -q '/console/console-' || fail 'npm start built no console'
echo "fresh: 200 with Node $(node --version)"
