#!/bin/sh
# Builds the sidecar and packs it into a zip file: scripts/package-sink.sh [--target NAME] [--configuration release|debug]
# [--portaudio FILE] [--out DIR] [--skip-build]. The same as `belljar package sink`, in a clone where nothing is built yet.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case " $* " in
  *" --skip-build "*) ;;
  *) node "$root/scripts/build.mjs" ;;
esac
exec node "$root/dist/cli.js" package sink "$@"
