# Sourced after build.sh: makes in build/nic-lab what tests/nic needs.
# shellcheck shell=bash disable=SC2034,SC2154

# For guests under TCG, which has no AVX-512.
nic_options=(--buildtype=release -Dtests=disabled -Dwerror=true -Dcpu=x86-64-v3 "${unity_options[@]}")
nic_targets=(apps/testbab/testbab{,.1,.bash} src/libbab.a)  # everything that is installed

# nic_obstacle: the reason why this machine can have no lab, or nothing. It is asked before packages are installed: apt
# may have no lists yet, and they may well name QEMU.
nic_obstacle() {
  if [[ $(uname -m) != x86_64 ]]; then
    echo "the guests of tests/nic are x86-64 machines, and this one is $(uname -m)"
  elif [[ -z ${BAB_NO_APT:-} ]] && ! command -v qemu-system-x86_64 >/dev/null &&
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && ! apt-cache show qemu-system-x86 >/dev/null 2>&1; then
    echo "there is no qemu-system-x86_64, and no package qemu-system-x86 to install it from (apt-get update)"
  fi
}

# nic_packages: the list of packages for ensure_packages, if there can be a lab.
nic_packages() { [[ -n $(nic_obstacle) ]] || echo nic; }

# nic_missing: what the lab still lacks when packages were installed (with BAB_NO_APT they weren't).
nic_missing() {
  local program
  for program in qemu-system-x86_64 busybox lz4; do
    command -v "$program" >/dev/null || { echo "there is no $program on this machine"; return; }
  done
}

# prepare_nic: builds the program, installs it into build/nic-lab/tree and makes kernel and initramfs.
# If they can't be had, tests/nic says why and skips. With BAB_NIC=required, as in CI, the script ends then. A build
# that fails ends the script, too.
prepare_nic() {
  local lab=$build/nic-lab why
  mkdir -p "$lab"
  why=$(nic_obstacle)
  [[ -n $why ]] || why=$(nic_missing)
  if [[ -z $why ]]; then
    make_build nic "${nic_targets[@]}" -- "${nic_options[@]}"
    step "installing into build/nic-lab/tree" install_for_guests "$lab/tree" || die "meson install failed: see above."
    # The last line is the reason. Other output of Python is a fault of the lab. On success the output doesn't matter.
    if why=$(/usr/bin/python3 -B "$root/tests/nic/images.py" "$lab/tree" 2>&1 >/dev/null); then
      [[ -z $why ]] || note "$why"
      why=
    elif [[ $why != "no lab: "* ]]; then
      die "$why"
    fi
  fi
  if [[ -n $why ]]; then
    [[ ${BAB_NIC:-} != required ]] || die "BAB_NIC=required, and there is no lab: ${why#no lab: }"
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

# Without `short`: the others have all its checks.
nic_files=(full several_queues two_guests bare_box guide)

# nic_matrix: every check on every NIC, one file after another. The last line counts them. It fails if one check failed.
# With BAB_NIC_SECONDS no guest is booted later than so many seconds from now: its checks are skipped.
nic_matrix() {
  local name logs results=() status
  [[ -z ${BAB_NIC_SECONDS:-} ]] || export BAB_NIC_UNTIL=$((EPOCHSECONDS + BAB_NIC_SECONDS))
  logs=$(mktemp -d)
  for name in "${nic_files[@]}"; do
    note "tests/nic/${name}_test.py"
    status=0
    BAB_LONG=1 BAB_SOURCE_ROOT=$root TESTBAB=$build/nic/apps/testbab/testbab \
      /usr/bin/python3 -B "$root/tests/nic/${name}_test.py" </dev/null | tee "$logs/$name" || status=$?
    results+=("$logs/$name=$status")
  done
  status=0
  /usr/bin/python3 -B "$tools/lib/count_tap.py" "${results[@]}" || status=$?
  rm -rf "$logs"
  return "$status"
}
