# shellcheck shell=sh
# Finds a Node that is new enough. Sourced with $root set to the checkout.

# Node runs the TypeScript sources directly and has SQLite, both since 22.19.
node_wanted=22.19

# Succeeds if this Node is new enough and starts on this machine.
node_is_new_enough() {
  [ -x "$1" ] && "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(process.features.typescript && (major > 22 || minor >= 19) ? 0 : 1)' >/dev/null 2>&1
}

# Puts the first Node that is new enough first on PATH: one on PATH, else the one in node_modules.
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
