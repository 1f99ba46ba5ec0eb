# Sourced after build.sh: runs tests in build directories.
# shellcheck shell=bash disable=SC2034,SC2154

# run_tests NAME MESON_TEST_ARGUMENT...: `meson test` in build/NAME. Afterwards its logs are of this run alone.
run_tests() {
  local name=$1 environment=()
  shift
  case $name in
    release) set -- --num-processes $((($(nproc) * 3 + 1) / 2)) "$@" ;;  # many of its tests wait
    asan | tsan)
      sanitizer_environment "$name"
      set -- --no-suite release-only --timeout-multiplier 3 "$@"
      # Examples wait for lcores with EAL's own functions. ThreadSanitizer doesn't see that these synchronise.
      [[ $name == asan ]] || set -- --no-suite examples "$@"
      ;;
  esac
  rm -f "$build/$name"/meson-logs/testlog*
  find "$build/$name" -maxdepth 2 -name '*.xml' -delete  # a crash would leave old results
  note "testing build/$name"
  "${environment[@]}" meson test -C "$build/$name" --no-rebuild --print-errorlogs "$@" </dev/null 6>&-
}

# sanitizer_environment NAME: sets `environment` to a command that runs another one, in which any report is a failure.
# Options that the user has set win.
sanitizer_environment() {
  local leaks=0
  if [[ $1 == asan ]] && leak_detection_works; then leaks=1; fi
  environment=(env
    "ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=$leaks:detect_stack_use_after_return=1:strict_string_checks=1}"
    "LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$tools/lib/lsan.supp:print_suppressions=0}"
    "UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
    "TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}")
  # Sanitizers need fixed addresses for their tables. A kernel that randomises addresses may have used them.
  if setarch "$(uname -m)" -R true 2>/dev/null; then environment+=(setarch "$(uname -m)" -R); fi
}

# fuzz SECONDS TARGET...: runs libFuzzer's programs of build/fuzz side by side, beginning with tests/fuzz/corpus. New
# inputs are not kept; add good ones to the corpus. An input that fails stays in build/fuzz.
fuzz() {
  local seconds=$1 environment=() finds target status=0
  shift
  sanitizer_environment asan
  finds=$(mktemp -d)
  step "fuzzing $# targets for $seconds s" fuzz_side_by_side "$finds" "$seconds" "$@" || status=$?
  rm -rf "$finds"
  for target; do
    [[ ! -f $build/fuzz/$target-runs ]] || note "  $target: $(<"$build/fuzz/$target-runs") inputs"
  done
  return "$status"
}

fuzz_side_by_side() {  # FINDS SECONDS TARGET...
  local finds=$1 seconds=$2 target pids=() pid status=0
  shift 2
  for target; do
    rm -f "$build/fuzz/$target-runs"
    fuzz_one "$finds/$target" "$seconds" "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
  return "$status"
}

fuzz_one() {  # FINDS SECONDS TARGET
  mkdir "$1"
  if ! "${environment[@]}" "$build/fuzz/tests/fuzz/fuzz_$3" -max_total_time="$2" -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$build/fuzz/$3-" "$1" "$root/tests/fuzz/corpus" >"$1.log" 2>&1; then
    tail -n 60 "$1.log"
    return 1
  fi
  sed -n 's/^stat::number_of_executed_units: *//p' "$1.log" >"$build/fuzz/$3-runs"
}

# LeakSanitizer stops the process with ptrace. A container may forbid that; every program would then fail at its end.
leak_detection_works() {
  local probe works=0
  probe=$(mktemp)
  echo 'int main() {}' | g++ -x c++ - -fsanitize=address -o "$probe" &&
    ASAN_OPTIONS=detect_leaks=1 "$probe" 2>/dev/null || works=1
  rm -f "$probe"
  ((works == 0)) || note "leaks are not looked for: LeakSanitizer does not work here (it needs ptrace)"
  return "$works"
}
