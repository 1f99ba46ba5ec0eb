# Sourced after build.sh: builds of the library for applications outside the tree, and these applications.
# shellcheck shell=bash disable=SC2154

# Name and options of each build. tests/consumers/matrix_test.py says what each is for.
consumer_builds=(
  "release       --buildtype=release"
  "debug         --buildtype=debug"
  "asan          --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false"
  "tsan          --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dcpp_args=-DRTE_USE_C11_MEM_MODEL=1"
  "clang         --buildtype=release"
  "lto           --buildtype=release -Db_lto=true"
  "shared        --buildtype=release -Ddefault_library=shared"
  "shared-debug  --buildtype=debug -Ddefault_library=shared"
)

# consumer_matrix: installs each build below build/prefix and runs the matrix.
consumer_matrix() {
  local line name options libraries=() status=0
  for line in "${consumer_builds[@]}"; do
    read -r name options <<<"$line"
    read -ra options <<<"$options"
    install_library "$name" "${options[@]}" || return
    libraries+=("$name=$build/prefix/$name")
  done
  LIBRARIES=${libraries[*]} PYTHONPATH=$root/tests/support \
    /usr/bin/python3 -B "$root/tests/consumers/matrix_test.py" </dev/null | tee "$build/consumers.tap" || status=$?
  /usr/bin/python3 -B "$tools/lib/count_tap.py" "$build/consumers.tap=$status"
}

install_library() {  # NAME OPTION...
  local name=$1 prefix=$build/prefix/$1 compiler=g++ targets=()
  shift
  [[ $name != clang ]] || compiler=clang++
  # A static library is installed with its headers alone, a shared one with the programs that use it.
  [[ $name == shared* ]] || targets=(src/libbab.a)
  CXX=$compiler make_build "install-$name" "${targets[@]}" -- "$@" --prefix="$prefix" --libdir=lib -Dtests=disabled \
    "${unity_options[@]}"
  rm -rf "$prefix"
  if ((${#targets[@]})); then set -- --tags devel; else set --; fi
  step "installing into build/prefix/$name" meson install -C "$build/install-$name" --no-rebuild "$@"
}
