# Sourced after setup.sh: makes a minimal root of a Debian release, keeps it in a cache and enters it. This needs root.
# Of the machine around it only the way to the package mirror is used.
# shellcheck shell=bash disable=SC2034,SC2154

releases=(bookworm trixie sid)
# apt and what it needs, nothing else
proxies=()
for name in http_proxy https_proxy no_proxy; do [[ -z ${!name:-} ]] || proxies+=("$name=${!name}"); done

is_release() { [[ " ${releases[*]} " == *" $1 "* ]]; }

cache_folder() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/bab"; }

# new_root: sets `work` to a new folder for a root. It is removed when this script ends.
new_root() {
  work=$(mktemp -d /var/tmp/bab-root.XXXXXX)  # not /tmp, which may be in memory
  chmod 755 "$work"  # it becomes /
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
}

clean_up() {
  if [[ -n ${child:-} ]] && kill -KILL "$child" 2>/dev/null; then wait "$child" 2>/dev/null || true; fi
  rm -rf --one-file-system "$work" 2>/dev/null || { sleep 1; rm -rf --one-file-system "$work"; }
}

is_fresh() { [[ -n $(find "$1" -mtime -14 2>/dev/null) ]]; }

# kept CACHE RELEASE WHAT: the file in which the cache keeps a root of that kind.
kept() { printf '%s\n' "$1/debian-$2-$3-$(dpkg --print-architecture).tar.gz"; }

# unpack_minimal_root CACHE RELEASE ROOT: unpacks a root; makes it first if the cache has none or an old one.
unpack_minimal_root() {
  local main tar
  tar=$(kept "$1" "$2" minimal)
  if is_fresh "$tar"; then
    step "unpacking $tar" tar -C "$3" -xzf "$tar"
    return
  fi
  main=$(mirror Debian)
  mkdir -p "$1"
  step "making a minimal root of Debian $2" \
    debootstrap --variant=minbase --include=ca-certificates "$2" "$3" "$main" || die "debootstrap failed: see above."
  rm -rf "$3"/var/cache/apt/archives/*.deb "$3"/var/lib/apt/lists/* "$3"/etc/apt/sources.list
  keep_root "$3" "$tar"
}

keep_root() {  # ROOT TAR TAR_OPTION...
  mkdir -p "$(dirname "$2")"
  tar -C "$1" --one-file-system "${@:3}" -I 'gzip -1' -cf "$2.$$" . && mv "$2.$$" "$2"
}

# mirror LABEL: where this machine gets packages of that label ("Debian", "Debian-Security"). apt itself reads its
# sources, in whatever format. An archive that isn't reached by http comes as a list of mirrors; the first one is taken.
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

give_it_the_mirror() {  # RELEASE ROOT
  local main security
  main=$(mirror Debian)
  security=$(mirror Debian-Security)
  {
    echo "deb $main $1 main"
    if [[ $1 != sid ]]; then  # sid gets all updates at once
      echo "deb $main $1-updates main"
      [[ -z $security ]] || echo "deb $security $1-security main"
    fi
  } >"$2/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::((https?|ftp)::(proxy|timeout)|check-|retries|forceipv)' -i \
    >"$2/etc/apt/apt.conf.d/90mirror" || true
  cp --dereference /etc/resolv.conf /etc/hosts "$2/etc/"
}

give_it_the_project() {  # ROOT
  [[ -z $(git -C "$root" status --porcelain) ]] || note "what isn't committed is left out: HEAD is cloned"
  git clone -q --no-hardlinks "$root" "$1/root/bab"
}

# enter ROOT COMMAND...: runs the command in namespaces of its own. Its mounts and processes end with them, in any case.
enter() {
  # In the background: a shell runs no trap before its foreground command ends. Background commands ignore SIGINT.
  env --default-signal=INT,QUIT \
    unshare --mount --pid --fork --kill-child --propagation private -- "${@:2}" </dev/null &
  child=$!
  wait "$child"
}

# The following functions run inside.

mount_kernel_folders() {  # ROOT
  local node
  mount --bind "$1" "$1"  # ip netns exec needs / to be a mount
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
  # Its own terminals, for the tests of the prompt.
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
