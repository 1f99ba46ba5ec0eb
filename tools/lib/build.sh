# Sourced after setup.sh: configures and builds the directories under build/.
# shellcheck shell=bash disable=SC2034,SC2154

build=$root/build

# The options of tools/test and tools/check. tools/run takes build/release as it finds it.
# Unity builds compile several sources as one, in half the time. tools/check clang builds file by file.
unity_options=(-Dunity=on -Dunity_size=20)
release_options=(--buildtype=release -Dtests=enabled -Dwerror=true "${unity_options[@]}")
# With sanitizers GCC has false warnings; its manual advises against -Werror then.
# -g1: enough for reports, and quicker to build.
asan_options=(--buildtype=debug "-Db_sanitize=address,undefined" -Db_lundef=false -Dtests=enabled -Dcpp_args=-g1
  "${unity_options[@]}")
tsan_options=(--buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dtests=enabled
  "-Dcpp_args=-g1 -DRTE_USE_C11_MEM_MODEL=1" "${unity_options[@]}")
fuzz_options=(--buildtype=debugoptimized "-Db_sanitize=address,undefined" -Db_lundef=false -Dtests=enabled
  -Dwerror=true -Dfuzz=true)
fuzz_targets=(frame_parser framer pcapng)
examples=("$root"/apps/examples/*.cpp)
examples=("${examples[@]##*/}")
examples=("${examples[@]%.cpp}")
bench_options=(--buildtype=release -Dtests=disabled -Dbench=true -Dwerror=true)
# For callgrind, which doesn't know AVX-512. The instructions are the same on every machine.
instructions_options=(--buildtype=release -Dtests=disabled -Dwerror=true -Dcpu=x86-64-v3 "${unity_options[@]}")

# What a build directory depends on, one thing a line: options, compiler, packages. If one differs, the directory is
# configured anew.
configuration() {  # OPTION...
  printf '%s\n' "$@" "CXX=${CXX:-}"
  dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' \
    meson g++ clang libdpdk-dev libgtest-dev libgmock-dev libbenchmark-dev libzmq3-dev 2>/dev/null || true
}

# options_of NAME DEFAULT...: the options that build/NAME is configured with, a line each.
options_of() {
  local name=$1
  shift
  sed -n '/^-/p' "$build/$name/.configuration" 2>/dev/null || printf '%s\n' "$@"
}

# configure NAME OPTION...: makes build/NAME ready for ninja.
configure() {
  local name=$1 dir=$build/$1
  shift
  check_writable "$dir"
  if [[ -f $dir/build.ninja ]] && cmp -s "$dir/.configuration" <(configuration "$@"); then
    return
  fi
  rm -f "$dir/.configuration"
  if ! step "configuring build/$name anew" reconfigure "$dir" "$@" 2>/dev/null; then
    rm -rf "$dir"  # meson cannot work with what was there
    step "configuring build/$name" meson setup "$@" "$dir" "$root" ||
      die "build/$name could not be configured: see above."
  fi
  configuration "$@" >"$dir/.configuration"
}

reconfigure() {  # DIR OPTION...
  local dir=$1
  shift
  [[ -f $dir/build.ninja ]] && meson configure --clearcache "$dir" && meson setup --reconfigure "$@" "$dir" "$root"
}

check_writable() {  # DIR
  mkdir -p "$1" 2>/dev/null || true
  [[ -w $1 ]] || die "$1 cannot be written by $(id -un): remove it, or give it to $(id -un) with chown."
}

# make_build NAME [TARGET...] -- OPTION...: configures and builds build/NAME. Only one runs at a time in each directory.
make_build() {
  local name=$1 targets=()
  shift
  while [[ $1 != -- ]]; do targets+=("$1"); shift; done
  shift
  lock 9 "$name"
  configure "$name" "$@"
  step "building build/$name" ninja -C "$build/$name" "${targets[@]}" || die "build/$name did not build: see above."
  exec 9>&-
}

# lock DESCRIPTOR NAME: holds build/.NAME.lock until the descriptor is closed.
lock() {
  check_writable "$build"
  eval "exec $1>\"\$build/.\$2.lock\""
  flock -n "$1" || { note "waiting for another one that is at work in build/ ($2)"; flock "$1"; }
}
