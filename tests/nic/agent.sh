#!/bin/sh
# Runs commands that the host sends on a serial line, as `SECONDS BASE64`: a time limit and the command. Answers with
# exit code, standard output and standard error, a line each. At the time limit it kills the command and its children.
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
