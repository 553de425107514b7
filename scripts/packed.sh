#!/usr/bin/env bash
# What a user gets from the registry: packs, installs the tarball in an empty project, starts it with npx and calls it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
up=''
stop() {
  # The gate's own process, not npx around it.
  local pid
  pid=$(cat "$work/data/headgate.pid" 2>/dev/null || true)
  [[ -n $pid ]] && kill "$pid" 2>/dev/null || true
  [[ -n $up ]] && wait "$up" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

fail() {
  echo "packed: $1" >&2
  [[ -f $work/err ]] && tail -n 20 "$work/err" >&2
  exit 1
}

cd "$root"
node_modules/.bin/node scripts/pack.ts
npm pack --ignore-scripts --silent --pack-destination "$work" >/dev/null
tarball=$(ls "$work"/headgate-*.tgz)
echo "tarball: $(du -k "$tarball" | cut -f1) KB"

mkdir "$work/project" && cd "$work/project"
printf '{"private":true}\n' >package.json
npm install --no-audit --no-fund --prefer-offline --silent "$tarball" || fail 'npm install of the tarball failed'

# Under the user's Node, which may have no WebSocket of its own, and under the project's, which has one.
cat >client.mjs <<'JS'
import assert from 'node:assert';
import { createClient, ws } from 'headgate/client';
const options = { baseURL: 'http://127.0.0.1:1', apiKey: 'none' };
assert.equal(typeof createClient(options).stream, 'function');
if (globalThis.WebSocket) createClient({ ...options, transport: ws() });
else assert.throws(() => ws(), /no WebSocket: pass one/);
JS
for runtime in node "$root/node_modules/.bin/node"; do
  "$runtime" client.mjs || fail "headgate/client cannot be used under Node $("$runtime" --version)"
done

# Provider keys of this shell would take the place of the simulated provider.
env -i PATH="$PATH" HOME="$work" HEADGATE_DATA="$work/data" npx --no-install headgate up --port 0 >"$work/out" 2>"$work/err" &
up=$!
for _ in $(seq 300); do
  [[ -s $work/data/address.json ]] && grep -q 'demo key' "$work/out" && break
  kill -0 "$up" 2>/dev/null || fail 'headgate up ended'
  sleep 0.1
done
# The printed line, as pasted, with nothing but the status asked for beside it.
line=$(grep '^curl ' "$work/out") || fail 'no curl line was printed'
status=$(bash -c "$line -sS -m 20 -o '$work/answer' -w '%{http_code}'")
[[ $status == 200 ]] || fail "the call was answered with $status: $(cat "$work/answer")"
url=$(grep -o 'http://[^ ]*/console/' "$work/out" | head -n 1)
script=$(curl -sS -m 20 "$url" | grep -o '/console/console-[A-Za-z0-9]*\.js') || fail 'the console is not in the package'
bytes=$(curl -sS -m 20 --compressed -w '%{size_download}' -o "$work/console.js" "${url%/console/}$script")
((bytes > 10000)) || fail "the console's script has $bytes bytes"
grep -q '"choices"' "$work/answer" || fail "the answer has no choices: $(cat "$work/answer")"
echo "console: $bytes bytes of script"
echo "packed: 200 from $(basename "$tarball")"
