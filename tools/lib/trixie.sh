#!/usr/bin/env bash
# tools/check trixie: builds bab in a root of Debian 13 (DPDK 24.11), warnings being errors, and runs its unit tests,
# examples and a few smoke tests there. The root with its packages is kept in ~/.cache/bab for two weeks.
# If there can be no such root, it says why and skips. With BAB_TRIXIE=required that is a failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup.sh
source "$(dirname "$(readlink -f "$0")")/setup.sh"
# shellcheck source-path=SCRIPTDIR source=build.sh
source "$tools/lib/build.sh"
# shellcheck source-path=SCRIPTDIR source=testing.sh
source "$tools/lib/testing.sh"
# shellcheck source-path=SCRIPTDIR source=root.sh
source "$tools/lib/root.sh"

release=trixie
lists=(run test)
targets=(apps/testbab/testbab "${examples[@]/#/apps/examples/}"
  tests/unit/{unit_{base,eal,memory,lcore,wire,message,port,bus,doctor,capture,testbab},sim})
tests=(base eal memory lcore wire message port bus doctor capture testbab sim
  "${examples[@]/#/example_}"
  smoke_{loop,capture,relay,memif,kernel_peers,eal_reasons})

main() {
  local cache why packed status=0
  cache=$(cache_folder)
  why=$(obstacle)
  [[ -z $why ]] || unavailable "$why"
  (ensure_packages fresh) || unavailable "what makes a root can't be installed: see above"
  new_root
  packed=$(kept "$cache" "$release" "$(packages_mark)")
  if is_fresh "$packed"; then
    step "unpacking $packed" tar -C "$work" -xzf "$packed"
  else
    rm -f "$cache/debian-$release-packages"*
    (unpack_minimal_root "$cache" "$release" "$work") ||
      unavailable "no root of Debian $release could be made: see above"
    echo force-unsafe-io >"$work/etc/dpkg/dpkg.cfg.d/unsafe-io"  # after a crash it is made anew
  fi
  give_it_the_mirror "$release" "$work"
  give_it_the_project "$work"
  if ! is_fresh "$packed"; then
    enter "$work" "$0" --inside "$work" --install ||
      die "installing bab's packages in Debian $release failed: see above."
    step "keeping the root in $packed" keep_root "$work" "$packed" --exclude=./root/bab --exclude='./var/cache/apt/*'
  fi
  enter "$work" "$0" --inside "$work" --build-and-test || status=$?
  return "$status"
}

obstacle() {
  if ((EUID != 0)); then
    echo "making a root file system and entering it takes root"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "this machine gives root no namespaces of its own (unshare)"
  elif ! (mirror Debian) >/dev/null 2>&1; then
    echo "apt knows no Debian mirror on this machine: run 'apt-get update', or give one in BAB_DEBIAN_MIRROR"
  fi
}

unavailable() {
  [[ ${BAB_TRIXIE:-} != required ]] || die "BAB_TRIXIE=required, and there is no root of Debian $release: $1."
  note "Debian $release is skipped: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

# The root depends on the lists of packages.
packages_mark() {
  local sum
  sum=$(cd "$tools/lib/packages" && cat "${lists[@]/%/.txt}" | sha256sum)
  printf 'packages-%s\n' "${sum:0:12}"
}

inside() {  # ROOT MODE
  mount_kernel_folders "$1"
  as root "$1" /root/bab tools/lib/trixie.sh "$2"
}

build_and_test() {
  local status=0
  note "g++ $(g++ -dumpfullversion), DPDK $(pkg-config --modversion libdpdk)"
  make_build release "${targets[@]}" -- "${release_options[@]}"
  run_tests release "${tests[@]}" || status=$?
  /usr/bin/python3 "$tools/lib/count_results.py" "$build/release=$status"
}

case ${1:-} in
  --inside) inside "$2" "$3" ;;
  --install) ensure_packages "${lists[@]}" ;;
  --build-and-test) build_and_test ;;
  *) main ;;
esac
