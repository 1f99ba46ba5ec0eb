#!/usr/bin/env bash
# tools/check --fresh [bookworm|trixie|sid] [DIR]: the README's two commands in a minimal root of that Debian release
# (bookworm), as a new user would run them. DIR keeps the minimal root (a tar file) between runs. The project is taken
# as of HEAD.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup.sh
source "$(dirname "$(readlink -f "$0")")/setup.sh"
# shellcheck source-path=SCRIPTDIR source=root.sh
source "$tools/lib/root.sh"

main() {
  local release=bookworm
  if (($#)) && is_release "$1"; then release=$1; shift; fi
  (($# < 2)) || die "--fresh takes a release (${releases[*]}) and a folder: '$*' are too many."
  ((EUID == 0)) || die "making a root file system and entering it takes root: run 'sudo tools/check --fresh'."
  ensure_packages fresh
  new_root
  unpack_minimal_root "${1:-$(cache_folder)}" "$release" "$work"
  give_it_the_mirror "$release" "$work"
  give_it_the_project "$work"
  enter "$work" "$0" --inside "$work"
}

inside() {  # ROOT
  local user=newcomer
  mount_kernel_folders "$1"
  chroot "$1" useradd --create-home --shell /bin/bash "$user"
  cp -r "$1/root/bab" "$1/home/$user/bab"
  chroot "$1" chown -R "$user:" "/home/$user/bab"

  note "== tools/run as root: installs, builds, runs"
  as root "$1" /root/bab tools/run
  note "== tools/run as $user: nothing to install, so neither root nor sudo is needed"
  as "$user" "$1" "/home/$user/bab" tools/run
  note "== tools/test as $user: packages are missing, which it says with the command that installs them"
  install_what_it_asks_for "$1" "$user"
  note "== tools/test as $user"
  as "$user" "$1" "/home/$user/bab" tools/test
}

install_what_it_asks_for() {  # ROOT USER
  local said command
  if said=$(as "$2" "$1" "/home/$2/bab" tools/test 2>&1 >/dev/null); then
    die "tools/test found its packages where nobody had installed them."
  fi
  note "$said"
  command=${said##*as root, run: }
  [[ $command == "apt-get update && apt-get install "* ]] || die "tools/test did not say which packages it misses."
  step "installing what it asked for" as root "$1" /root/bab \
    sh -c "export DEBIAN_FRONTEND=noninteractive; $command" ||
    die "the command that tools/test gave failed: see above."
}

if [[ ${1:-} == --inside ]]; then inside "$2"; else main "$@"; fi
