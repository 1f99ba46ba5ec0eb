# Sourced after build.sh: runs tests in build directories.
# shellcheck shell=bash disable=SC2034,SC2154

# run_tests NAME MESON_TEST_ARGUMENT...: `meson test` in build/NAME, whose logs then are of this run alone.
run_tests() {
  local name=$1 environment=()
  shift
  case $name in
    asan | tsan)
      sanitizer_environment "$name"
      set -- --no-suite release-only --timeout-multiplier 3 "$@"
      ;;
  esac
  rm -f "$build/$name"/meson-logs/testlog*
  find "$build/$name" -maxdepth 2 -name '*.xml' -delete  # what GTest programs wrote; one that crashes leaves the old
  note "testing build/$name"
  "${environment[@]}" meson test -C "$build/$name" --no-rebuild --print-errorlogs "$@" </dev/null 6>&-
}

# sanitizer_environment NAME: sets `environment` to a command that runs another so that any report is a failure.
# What the user has set wins.
sanitizer_environment() {
  local leaks=0
  if [[ $1 == asan ]] && leak_detection_works; then leaks=1; fi
  environment=(env
    "ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=$leaks:detect_stack_use_after_return=1:strict_string_checks=1}"
    "LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$tools/lib/lsan.supp:print_suppressions=0}"
    "UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
    "TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}")
  # Sanitizers keep tables at fixed addresses, which a kernel that randomises addresses widely may have given away.
  if setarch "$(uname -m)" -R true 2>/dev/null; then environment+=(setarch "$(uname -m)" -R); fi
}

# LeakSanitizer stops the process by ptrace, which a container may forbid; then every program would fail at its end.
leak_detection_works() {
  local probe works=0
  probe=$(mktemp)
  echo 'int main() {}' | g++ -x c++ - -fsanitize=address -o "$probe" &&
    ASAN_OPTIONS=detect_leaks=1 "$probe" 2>/dev/null || works=1
  rm -f "$probe"
  ((works == 0)) || note "leaks are not looked for: LeakSanitizer does not work here (it needs ptrace)"
  return "$works"
}
