#!/usr/bin/env bash
# To source: `step NAME STEP COMMAND...` runs a command, and reports it as Molecule reports its own steps: tools/jobs.py
# takes their times and errors. It returns what the command returns.
step() {
  echo "$1 ➜ $2: Executing"
  local status=0
  "${@:3}" || status=$?
  case $status in
    0) echo "$1 ➜ $2: Executed: Successful" ;;
    3) echo "$1 ➜ $2: Executed: Incomplete: not all of it can be had here" ;; # which is no failure
    *) echo "$1 ➜ $2: Executed: Failed" ;;
  esac
  return "$status"
}
