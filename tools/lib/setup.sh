# Sourced by tools/run, tools/test and tools/check: messages, progress, and the packages they need.
# Works in a minimal Debian root: no sudo, no python, no locale.
# shellcheck shell=bash disable=SC2034

export LC_ALL=C.UTF-8
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin  # ip and ethtool live there, and a user's PATH may lack it

tools=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
root=$(dirname "$tools")

note() { printf '%s\n' "$*" >&2; }
die() { note "tools/${0##*tools/}: $*"; exit 2; }

# step LABEL COMMAND...: keeps the command's output aside and shows it only if the command fails.
# A command that takes longer than 2 s is announced: on a terminal by a line that moves, elsewhere by a line now and
# then.
step() {
  local label=$1 status=0 started=$SECONDS log ticker
  shift
  log=$(mktemp)
  exec 8<>"$log"
  rm -f "$log"  # open but without a name, so that nothing is left to clean up
  show_progress "$label" "$started" </dev/null &
  ticker=$!
  "$@" </dev/null >&8 2>&1 || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  if ((status)); then
    cat /proc/self/fd/8 >&2
    note "$label: failed (exit code $status)"
  elif ((SECONDS - started >= 2)); then
    note "$label: $((SECONDS - started)) s"
  fi
  exec 8>&-
  return "$status"
}

show_progress() {  # LABEL STARTED
  local elapsed last next=2 columns
  columns=$(stty size <&2 2>/dev/null | cut -d ' ' -f 2)
  exec 7<> <(:)  # reading from it sleeps, without a process that could outlive us
  while kill -0 $$ 2>/dev/null; do  # and this must not outlive an interrupted script
    read -rt 1 -u 7 || true
    elapsed=$((SECONDS - $2))
    if ((elapsed < next)); then
      continue
    elif [[ -t 2 ]]; then
      last=$(tail -c 400 /proc/self/fd/8 | tr '\r' '\n' | tail -n 1)
      last="$1 ... $elapsed s  $last"
      printf '\r\033[K%s' "${last:0:${columns:-80} - 1}" >&2
    else
      note "$1 ...$( ((elapsed < 30)) || echo " $elapsed s")"
      next=$((elapsed + 60))
    fi
  done
}

# ensure_packages LIST...: installs the packages of tools/lib/packages/LIST.txt that the machine lacks. If a package's
# name depends on the Debian release, a line has all names: "old-name | new-name". One of them is enough.
# If nothing is missing, apt isn't called and no root is needed.
ensure_packages() {
  local missing
  [[ -z ${BAB_NO_APT:-} ]] || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    die "this system has no apt-get to install with: install DPDK 22.11 or later, meson, ninja, pkg-config," \
      "a C++20 compiler, CLI11, fmt and nlohmann-json (for tests also GoogleTest), then set BAB_NO_APT=1."
  fi
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

missing_packages() {  # LIST...
  local list line name
  local -A there=()
  while read -r name; do there[$name]=1; done < <(installed_packages)
  for list; do sed 's/[[:space:]]*#.*//; /^$/d' "$tools/lib/packages/$list.txt"; done | sort -u | while read -r line; do
    for name in ${line//|/ }; do [[ -z ${there[$name]:-} ]] || continue 2; done
    printf '%s\n' "$line"
  done
}

installed_packages() {  # their names, and the names that they provide
  dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | sed -n 's/^installed //p' | tr , '\n' |
    sed 's/(.*//; s/[[:space:]]//g; /^$/d'
}

# named_here LINE...: for each line, the first of its names that apt knows.
named_here() {
  local line name
  for line; do
    for name in ${line//|/ }; do
      if [[ $line != *'|'* ]] || apt-cache show "$name" >/dev/null 2>&1; then break; fi
      name=${line%% *}  # apt knows none, or has no lists yet
    done
    printf '%s\n' "$name"
  done
}

install_packages() {  # LINE...
  local as_root=() apt=(apt-get -o DPkg::Lock::Timeout=600) install
  choose() { mapfile -t install < <(printf '%s\n' install -y --no-install-recommends; named_here "$@"); }
  choose "$@"
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
      die "packages are missing and installing them takes root; as root, run:" \
        "apt-get update && apt-get ${install[*]}"
    fi
    as_root=(sudo)
  fi
  # Two installations at once take turns. Questions of packages (tshark has one) get their default answers.
  as_root+=(flock -o /run/lock/bab-apt.lock env DEBIAN_FRONTEND=noninteractive)
  note "installing $# Debian packages: ${install[*]:3}"
  if ! apt-get -qq --simulate "${install[@]}" >/dev/null 2>&1; then  # never updated, or long ago
    step "apt-get update" "${as_root[@]}" "${apt[@]}" update || die "apt-get update failed: see above."
    choose "$@"
  fi
  step "apt-get install" "${as_root[@]}" "${apt[@]}" "${install[@]}" && return
  note "once more, with new package lists"  # old lists may name files that the mirror has replaced
  if ! step "apt-get update" "${as_root[@]}" "${apt[@]}" update ||
    ! step "apt-get install" "${as_root[@]}" "${apt[@]}" "${install[@]}"; then
    die "some packages could not be installed: see above; by hand, as root: apt-get ${install[*]}"
  fi
}
