#!/bin/sh
# Exits with 0 if agents can work here: the tmux server answers, and the volume is writable. An idle agent is no fault.
timeout 5 tmux -N -L "$BOX_SOCKET" show-options -s exit-empty >/dev/null || { echo "no tmux server answers at the socket $BOX_SOCKET"; exit 1; }
probe=$HOME/.box-health
echo "$$" >"$probe" && rm "$probe" || { echo "$HOME is not writable"; exit 1; }
echo "tmux answers, $HOME is writable"
