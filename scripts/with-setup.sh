#!/bin/sh
# Installs what a command of this project needs on a fresh machine, then runs the command.
#   sh scripts/with-setup.sh demo|test [argument…]    node modules, a new enough Node, tmux (and an ssh server and bubblewrap for the tests)
#   sh scripts/with-setup.sh <command> [argument…]    node modules and a new enough Node
# It needs git, npm and Node 20 or newer. Its own messages go to stderr.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/node.sh
. "$root/scripts/node.sh"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$@"
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# npm writes the hidden lockfile last. It is missing after an interrupted install, and older than a changed lockfile.
modules_are_current() {
  [ -f "$root/node_modules/.package-lock.json" ] &&
    [ -z "$(find "$root/package-lock.json" -newer "$root/node_modules/.package-lock.json")" ]
}

# npm needs a writable cache. A read-only or missing home has none.
with_npm_cache() {
  cache=${npm_config_cache:-${HOME:-/nonexistent}/.npm}
  if mkdir -p "$cache/_cacache" 2>/dev/null && [ -w "$cache/_cacache" ]; then
    npm_config_cache=$cache "$@"
    return
  fi
  cache=$(mktemp -d)
  status=0
  npm_config_cache=$cache "$@" || status=$?
  rm -rf "$cache"
  return "$status"
}

install_modules() {
  has npm || fail 'npm is missing: install Node (20 or newer) with npm, https://nodejs.org'
  say 'installing node modules (once; about 400 MB with a current Node)'
  log=$(mktemp)
  if ! (cd "$root" && with_npm_cache npm ci --ignore-scripts --include=dev --include=optional --engine-strict=false \
    --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >"$log" 2>&1); then
    cat "$log" >&2
    if grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network' "$log"; then
      say "the npm registry ($(npm config get registry)) could not be reached: check the network or the proxy (npm config set proxy …)"
    fi
    rm -f "$log"
    fail 'npm ci failed: see above, then run this again'
  fi
  rm -f "$log"
  touch "$root/node_modules/.package-lock.json"
}

explain_missing_node() {
  say "burn needs Node $node_wanted or newer, and found $(node --version 2>/dev/null || echo none)"
  case "$(uname -s)" in
    Linux) fail "node_modules has no Node for $(uname -m). If the install is incomplete, run: rm -r node_modules. Else install Node: https://nodejs.org" ;;
    Darwin) fail 'install it with: brew install node@24 && brew link --overwrite node@24   (without Homebrew: https://nodejs.org)' ;;
    *) fail 'install it from https://nodejs.org' ;;
  esac
}

# Prints the prefix that runs a command as root. Fails if sudo would ask for a password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then return 0; fi
  has sudo && sudo -n true 2>/dev/null && echo 'sudo -n'
}

apt_install() {
  sudo=$(as_root) || return 1
  log=$(mktemp)
  # shellcheck disable=SC2086 # $sudo is words, and $* are package names
  apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1; }
  status=0
  apt install -y --no-install-recommends "$@" || { apt update && apt install -y --no-install-recommends "$@"; } || status=$?
  [ "$status" -eq 0 ] || tail -n 5 "$log" >&2
  rm -f "$log"
  return "$status"
}

# Installs packages, or prints the command that does. $1: the reason. $2: packages for apt-get. $3: packages for Homebrew.
install_packages() {
  if has apt-get; then
    say "installing $2 with apt-get ($1)"
    # shellcheck disable=SC2086 # package names are words
    if apt_install $2; then return 0; fi
    say "$1: run  sudo apt-get install -y $2  and then this again"
  elif has brew && [ -n "$3" ]; then
    say "installing $3 with brew ($1)"
    # shellcheck disable=SC2086
    if HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet $3 </dev/null >&2; then return 0; fi
    say "$1: run  brew install $3  and then this again"
  else
    say "$1: install $2 with the package manager of this system, and then run this again"
  fi
  return 1
}

need_tmux() {
  has tmux || install_packages 'burn needs tmux' tmux tmux || exit 1
}

# The tests need the program sshd. Its service must not start, now or at the next boot.
service() {
  if [ -d /run/systemd/system ] && sudo=$(as_root); then
    $sudo systemctl --quiet "$1" ssh.service ssh.socket </dev/null >/dev/null 2>&1 || true
  fi
}

# Tests over ssh start a private server on loopback. Without sshd they are skipped.
want_sshd() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  export PATH
  if ! has sshd; then
    service mask
    install_packages 'the tests over ssh need an ssh server' 'openssh-server openssh-client' '' || say 'the tests over ssh will be skipped'
    service disable
    service unmask
  fi
  # As root, sshd needs this folder, which its service would create.
  if has sshd && [ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ]; then mkdir -p -m 0755 /run/sshd; fi
}

want_bubblewrap() {
  [ "$(uname -s)" = Linux ] || return 0
  has bwrap || install_packages 'the sandbox of sprints needs bubblewrap' bubblewrap '' || say 'the tests of the sandbox will be skipped'
}

[ $# -gt 0 ] || fail 'usage: sh scripts/with-setup.sh demo|test|<command> [argument…]'
modules_are_current || install_modules
use_node || explain_missing_node

what=$1
shift
case "$what" in
  demo)
    need_tmux
    cd "$root"
    exec node demo/main.ts "$@"
    ;;
  test)
    need_tmux
    want_sshd
    want_bubblewrap
    cd "$root"
    exec node test/run.ts "$@"
    ;;
  *)
    cd "$root"
    if [ -x "node_modules/.bin/$what" ]; then what=node_modules/.bin/$what; fi
    exec "$what" "$@"
    ;;
esac
