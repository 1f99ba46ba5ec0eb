#!/bin/sh
# Runs what the host sends on a serial line: `SECONDS BASE64`, a command with its time limit. Answers with its exit
# code, its standard output and its standard error, a line each. What takes longer is killed with all that it started.
line=$1
work=/run/agent
mkdir -p $work
stty -F "$line" raw -echo
exec 3<>"$line"
echo ready >&3
while read -r seconds command <&3; do
  echo "$command" | base64 -d >$work/command
  setsid sh -c 'echo $$ >'$work'/group; exec timeout -s KILL "$1" sh '$work/command sh "$seconds" \
    </dev/null >$work/out 2>$work/err 3>&-
  status=$?
  [ $status -ne 137 ] || kill -9 -- "-$(cat $work/group)" 2>/dev/null
  { echo $status; base64 $work/out | tr -d '\n'; echo; base64 $work/err | tr -d '\n'; echo; } >&3
done
