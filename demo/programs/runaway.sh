#!/bin/sh
# Leaves behind what plain kills miss: a daemon in a session of its own that also ignores SIGTERM.
setsid sh -c 'trap "" TERM; echo "daemon $$ is hiding"; while :; do sleep 1; done' &
sleep 0.2
echo "leader is done"
wait
