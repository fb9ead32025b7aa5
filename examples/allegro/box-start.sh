#!/bin/sh
# The main process of the box: a tmux server in the foreground. If it ends, the box ends, and its restart policy starts it again.
exec tmux -D -u -L "$BOX_SOCKET"
