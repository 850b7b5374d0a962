#!/bin/bash
# Processes that are hard to end, each with TOKEN (a number of seconds) on its command line.
member=${1:-zoo} token=$2
case $member in
zoo)
  sleep "$token" &                                         # same group
  setsid sleep "$token" &                                  # a session of its own
  (setsid sleep "$token" &)                                # double fork: its parent is gone
  (env -i /bin/bash -c "exec setsid sleep $token" &)       # a daemon with no environment to know it by
  (exec "$0" deaf "$token") &                              # ignores SIGTERM
  (exec setsid "$0" deaf "$token") &                       # the same out of reach
  (exec setsid "$0" respawner "$token") &                  # never the same pid for long
  sleep 0.3
  echo grown
  wait
  ;;
deaf)
  trap '' TERM INT HUP
  while :; do sleep "$token"; done
  ;;
respawner)
  trap '' TERM INT HUP
  sleep 0.01
  setsid "$0" respawner "$token" &
  ;;
esac
