# shellcheck shell=bash
# Helpers of the tools that need an environment of their own; source this file in the root of the checkout.
uv=$(command -v uv || echo "$PWD/.cache/uv/bin/uv")

# python_program VERSION... : print the first of these Pythons that this machine has.
python_program() {
  local version found
  for version in "$@"; do
    # A distribution's Python comes first: it is built with optimizations, and that of pyenv is not unless asked to.
    found=$(command -v "/usr/bin/python$version") || found=$("$uv" python find --no-project --no-python-downloads "$version" 2>/dev/null) ||
      found=$(ls -d "$HOME/.pyenv/versions/$version".*/bin/python 2>/dev/null | tail -n 1) || true
    [ -z "$found" ] || { echo "$found" && return; }
  done
  return 1
}

# environment VENV PYTHON KEY PACKAGE... : create VENV with the packages, unless it has been made for the same key.
environment() {
  local venv=$1 python=$2 key
  key=$(sha256sum <<<"${*:3}")
  mkdir -p "$(dirname "$venv")"
  (
    # Several jobs may ask for the same one at the same time.
    flock 9
    [ "$(cat "$venv/.ready" 2>/dev/null)" != "$key" ] || exit 0
    "$uv" venv --quiet --clear --no-python-downloads --python "$python" "$venv" &&
      "$uv" pip install --quiet --python "$venv/bin/python" "${@:4}" && echo "$key" >"$venv/.ready"
  ) 9>"$venv.lock"
}

# other_collections FOLDER : link the collections that this one builds on, which the package `ansible` brings.
other_collections() {
  local installed
  installed=$(python -c 'import ansible_collections; print(ansible_collections.__path__[0])')
  mkdir -p "$1/ansible_collections"
  ln -sfn "$installed/amazon" "$1/ansible_collections/amazon"
  ln -sfn "$installed/kubernetes" "$1/ansible_collections/kubernetes"
}

# awx_collection VENV : link the collection awx.awx, which the package `ansible` brought up to its version 13.
awx_collection() {
  local venv=$1 collections kept=$PWD/.cache/awx
  collections=$("$venv/bin/python" -c 'import ansible_collections; print(ansible_collections.__path__[0])')
  [ ! -d "$collections/awx" ] || return 0
  [ -d "$kept" ] || {
    rm -rf "$kept.new"
    "$uv" pip install --quiet --no-deps --python "$venv/bin/python" --target "$kept.new" "ansible~=13.8" && mv "$kept.new" "$kept"
  }
  ln -sfn "$kept/ansible_collections/awx" "$collections/awx"
}
