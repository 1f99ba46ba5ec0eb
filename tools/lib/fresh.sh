#!/usr/bin/env bash
# tools/check --fresh [DIR]: the README's two commands in a minimal Debian 12 root, as a new user would run them there.
# Nothing but the way to the package mirror comes from the machine around it. DIR keeps the minimal root (a tar file)
# between runs. Of the project it takes HEAD.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup.sh
source "$(dirname "$(readlink -f "$0")")/setup.sh"

release=bookworm
proxies=()  # apt's and nothing else's
for name in http_proxy https_proxy no_proxy; do [[ -z ${!name:-} ]] || proxies+=("$name=${!name}"); done

main() {
  ((EUID == 0)) || die "making a root file system and entering it takes root: run 'sudo tools/check --fresh'."
  ensure_packages fresh
  local cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/bab}
  work=$(mktemp -d /var/tmp/bab-fresh.XXXXXX)  # not /tmp, which may be in memory
  chmod 755 "$work"  # it becomes /
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP

  unpack_minimal_root "$cache" "$work"
  give_it_the_mirror "$work"
  [[ -z $(git -C "$root" status --porcelain) ]] || note "what isn't committed is left out: HEAD is cloned"
  git clone -q --no-hardlinks "$root" "$work/root/bab"
  # Mounts and processes of the new root are in namespaces of their own and end with them, whatever happens.
  # In the background, since a shell runs no trap before its foreground command ends; those it starts ignore SIGINT.
  env --default-signal=INT,QUIT \
    unshare --mount --pid --fork --kill-child --propagation private -- "$0" --inside "$work" </dev/null &
  child=$!
  wait "$child"
}

clean_up() {
  if [[ -n ${child:-} ]] && kill -KILL "$child" 2>/dev/null; then wait "$child" 2>/dev/null || true; fi
  rm -rf --one-file-system "$work" 2>/dev/null || { sleep 1; rm -rf --one-file-system "$work"; }
}

unpack_minimal_root() {  # CACHE ROOT
  local main tar
  tar=$1/debian-$release-minimal-$(dpkg --print-architecture).tar.gz
  if [[ -z $(find "$tar" -mtime -14 2>/dev/null) ]]; then
    main=$(mirror Debian)
    mkdir -p "$1"
    step "making a minimal Debian root" \
      debootstrap --variant=minbase --include=ca-certificates "$release" "$2" "$main" ||
      die "debootstrap failed: see above."
    rm -rf "$2"/var/cache/apt/archives/*.deb "$2"/var/lib/apt/lists/* "$2"/etc/apt/sources.list
    tar -C "$2" -czf "$tar.$$" . && mv "$tar.$$" "$tar"
  else
    step "unpacking $tar" tar -C "$2" -xzf "$tar"
  fi
}

# mirror LABEL: where this machine gets packages labelled so ("Debian", "Debian-Security"); apt itself reads its
# sources, in whatever format. An archive that isn't reached by http comes as a list of mirrors, of which the first will do.
mirror() {
  local uri
  uri=${BAB_DEBIAN_MIRROR:-}
  if [[ -n $uri ]]; then [[ $1 != Debian ]] || echo "$uri"; return; fi
  # shellcheck disable=SC2016  # $(...) is apt's
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Label: $1" | head -n 1)
  if [[ $uri == mirror+file:* ]]; then uri=$(grep -om1 'https\?://[^[:space:]]*' "${uri#mirror+file:}"); fi
  if [[ $uri != http* && $1 == Debian ]]; then
    die "apt knows no Debian mirror on this machine: run 'apt-get update', or give one in BAB_DEBIAN_MIRROR."
  fi
  echo "$uri"
}

give_it_the_mirror() {  # ROOT
  local main security
  main=$(mirror Debian)
  security=$(mirror Debian-Security)
  {
    echo "deb $main $release main"
    echo "deb $main $release-updates main"
    [[ -z $security ]] || echo "deb $security $release-security main"
  } >"$1/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::((https?|ftp)::(proxy|timeout)|check-|retries|forceipv)' -i \
    >"$1/etc/apt/apt.conf.d/90mirror" || true
  cp --dereference /etc/resolv.conf /etc/hosts "$1/etc/"
}

# What follows runs in the namespaces, with the new root at $1.

inside() {
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

mount_kernel_folders() {  # ROOT
  local node
  mount -t proc proc "$1/proc"
  mount -t sysfs -o ro sys "$1/sys"
  mount -t tmpfs -o mode=755 dev "$1/dev"
  for node in null zero full random urandom tty; do
    touch "$1/dev/$node"
    mount --bind "/dev/$node" "$1/dev/$node"
  done
  ln -s /proc/self/fd "$1/dev/fd"
  ln -s /proc/self/fd/0 "$1/dev/stdin"
  ln -s /proc/self/fd/1 "$1/dev/stdout"
  ln -s /proc/self/fd/2 "$1/dev/stderr"
  mkdir -m 1777 "$1/dev/shm"
  mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
  # Terminals of its own, for the tests of the prompt.
  mkdir "$1/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/dev/pts"
  ln -s pts/ptmx "$1/dev/ptmx"
}

as() {  # USER ROOT DIRECTORY COMMAND...: with an empty environment
  local user=$1 in=$2 directory=$3
  shift 3
  chroot "$in" runuser -u "$user" -- env -i --chdir="$directory" "${proxies[@]}" \
    HOME="$(dirname "$directory")" USER="$user" PATH=/usr/bin:/bin "$@" </dev/null
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
