# shellcheck shell=sh
# Sourced with $root set to the checkout. What it needs of Node, and where one may be.

# The sources are TypeScript that Node runs as it is, and the ledger is Node's own SQLite: both from 22.19 on.
node_wanted=22.19

# Is this Node new enough, and does it start on this machine?
node_is_new_enough() {
  [ -x "$1" ] && "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(process.features.typescript && (major > 22 || minor >= 19) ? 0 : 1)' >/dev/null 2>&1
}

# Puts a Node that is new enough first on PATH: the first such on PATH, else the one among the node modules.
use_node() {
  found=
  rest=$PATH:
  while [ -n "$rest" ] && [ -z "$found" ]; do
    if node_is_new_enough "${rest%%:*}/node"; then found=${rest%%:*}; fi
    rest=${rest#*:}
  done
  for bundled in "$root"/node_modules/node-linux-*/bin; do
    if [ -z "$found" ] && node_is_new_enough "$bundled/node"; then found=$bundled; fi
  done
  [ -n "$found" ] || return 1
  case "$PATH" in
    "$found" | "$found":*) ;;
    *) PATH=$found:$PATH && export PATH ;;
  esac
}
