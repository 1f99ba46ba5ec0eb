# Sourced after build.sh: what tests/nic needs, in build/nic-lab.
# shellcheck shell=bash disable=SC2034,SC2154

# For guests under TCG, which has no AVX-512.
nic_options=(--buildtype=release -Dtests=disabled -Dwerror=true -Dcpu=x86-64-v3 "${unity_options[@]}")
nic_targets=(apps/testbab/testbab{,.1,.bash} src/libbab.a)  # all that is installed

# nic_obstacle: why this machine can have no lab; nothing where it can.
nic_obstacle() {
  if [[ $(uname -m) != x86_64 ]]; then
    echo "the guests of tests/nic are x86-64 machines, and this one is $(uname -m)"
  elif ! command -v qemu-system-x86_64 >/dev/null &&
    { [[ -n ${BAB_NO_APT:-} ]] || ! apt-cache show qemu-system-x86 >/dev/null 2>&1; }; then
    echo "there is no qemu-system-x86_64, and no package qemu-system-x86 to install it from (apt-get update)"
  fi
}

# nic_packages: the list of packages for ensure_packages, where there can be a lab.
nic_packages() { [[ -n $(nic_obstacle) ]] || echo nic; }

# prepare_nic: builds the program, installs it into build/nic-lab/tree and makes kernel and initramfs.
# Where they can't be had, tests/nic says why and skips; a build that fails ends the script.
prepare_nic() {
  local lab=$build/nic-lab why
  mkdir -p "$lab"
  why=$(nic_obstacle)
  if [[ -z $why ]]; then
    make_build nic "${nic_targets[@]}" -- "${nic_options[@]}"
    step "installing into build/nic-lab/tree" install_for_guests "$lab/tree" || die "meson install failed: see above."
    # The last line is the reason; what else Python says is a fault of the lab's own.
    why=$(/usr/bin/python3 -B "$root/tests/nic/images.py" "$lab/tree" 2>&1 >/dev/null) ||
      { [[ $why == "no lab: "* ]] || die "$why"; }
  fi
  if [[ -n $why ]]; then
    note "tests/nic is skipped: $why"
    printf '%s\n' "$why" >"$lab/unavailable"
  else
    rm -f "$lab/unavailable"
  fi
}

install_for_guests() {  # TREE
  rm -rf "$1"
  meson install -C "$build/nic" --no-rebuild --quiet --destdir "$1"
}

# nic_matrix: every check on every NIC, one file after another. Fails if one of them did.
nic_matrix() {
  local file failed=()
  for file in "$root"/tests/nic/*_test.py; do
    [[ $file != */short_test.py ]] || continue  # of the others some of the checks
    note "${file#"$root/"}"
    BAB_LONG=1 BAB_SOURCE_ROOT=$root TESTBAB=$build/nic/apps/testbab/testbab \
      /usr/bin/python3 -B "$file" </dev/null || failed+=("${file##*/}")
  done
  ((!${#failed[@]})) || { note "tests/nic: failed: ${failed[*]}"; return 1; }
}
