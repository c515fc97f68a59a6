#!/usr/bin/env bash
# Prepares this machine for Everlisten and starts what was asked for; called by the Makefile.
#
#   packaging/setup.sh run|test|test-long|lint|bench|lock [arguments for the program]
#
# Every step is skipped when it is already done: system packages are asked for with dpkg-query, the
# Python steps leave a stamp with a hash of what they were made from. Runs with Bash 3.2 and later.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD

# What the wheels do not bring along. Audio: PortAudio, its way to PulseAudio and PipeWire, and
# libpulse for the computer's own sound. Qt: what its xcb, wayland and offscreen platforms load.
RUN_PACKAGES="libportaudio2 libasound2-plugins libpulse0
  libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 fonts-dejavu-core
  libx11-xcb1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-glx0 libxcb-icccm4
  libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render0 libxcb-render-util0 libxcb-shape0
  libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1
  libwayland-client0 libwayland-cursor0 libwayland-egl1"
# A sound card and a screen that exist only in software; what torch.compile builds with; a voice.
TEST_PACKAGES="pulseaudio pulseaudio-utils xvfb xauth g++ espeak-ng"
SOURCES="app ui trainer engine audio_io assets pyproject.toml README.md LICENSE NOTICE"
UV_VERSION=0.13.9

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_REQUIRE_VIRTUALENV=0

say() { printf '%s\n' "$*"; }
fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

TICKER=""
stop_ticker() {
    [ -n "$TICKER" ] || return 0
    kill "$TICKER" 2>/dev/null || true
    wait "$TICKER" 2>/dev/null || true
    TICKER=""
    printf '\r'
}
trap stop_ticker EXIT
trap 'stop_ticker; fail "stopped; the next run goes on from here."' INT TERM

# step TEXT COMMAND...: says what is done and how long it took; shows the output only on failure.
step() {
    local text=$1 log began status=0
    shift
    log=$(mktemp)
    began=$SECONDS
    say "$text ..."
    if [ -t 1 ]; then
        (while sleep 1; do printf '\r  %d s ' "$((SECONDS - began))"; done) &
        TICKER=$!
    fi
    # In the foreground, so that Ctrl+C reaches it; in a subshell, so that our own words do not
    # end up in its log.
    ("$@") >"$log" 2>&1 </dev/null || status=$?
    stop_ticker
    if [ "$status" -ne 0 ]; then
        tail -n 25 "$log" >&2
        rm -f "$log"
        fail "that did not work (see above): $text."
    fi
    rm -f "$log"
    say "  done in $((SECONDS - began)) s"
}

hash_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -d ' ' -f 1
}

# The content of files and folders, and their names, as one hash.
hash_files() {
    find "$@" -type f ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z |
        xargs -0 cat -- <(find "$@" -type f ! -path '*/__pycache__/*' | LC_ALL=C sort) | hash_of
}

# ---- system packages -------------------------------------------------------------------------

is_debian() { command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; }

# Names of the given packages that are neither installed nor provided by an installed one.
missing_packages() {
    local installed name
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
        sed -n 's/^installed //p' | sed 's/([^)]*)//g' | tr -s ' ,' '[\n*]')
    for name in "$@"; do
        grep -qxF "$name" <<<"$installed" || printf '%s ' "$name"
    done
}

apt_install() {
    local as_root=("$@")
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300
        -o Acquire::Retries=3 -y -qq --no-install-recommends install)
    # shellcheck disable=SC2086  # a list of names
    if ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 ||
        ! "${as_root[@]}" "${install[@]}" $MISSING; then
        "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -qq update
        "${as_root[@]}" "${install[@]}" $MISSING
    fi
}

need_packages() {
    local as_root=(env)
    if ! is_debian; then
        if [ "$(uname -s)" = Linux ]; then
            say "This is not Debian, so no system packages are installed. Everlisten needs PortAudio" \
                "(libportaudio.so.2), libpulse (libpulse.so.0), libEGL, libGL, fontconfig, xkbcommon" \
                "and the xcb libraries of Qt 6 (xcb-cursor and the others)."
        fi
        return 0
    fi
    # shellcheck disable=SC2068  # lists of names
    MISSING=$(missing_packages $@)
    [ -n "$MISSING" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "system packages are missing and there is no sudo; run this as root, then try" \
                "again: apt-get update && apt-get install $MISSING"
        say "Some system packages are missing; sudo may ask for your password to install them."
        sudo -v || fail "without sudo, run this as root, then try again:" \
            "apt-get update && apt-get install $MISSING"
        as_root=(sudo)
    fi
    # shellcheck disable=SC2086  # a list of names
    step "Installing $(wc -w <<<"$MISSING") system packages with apt-get (usually under a minute): $MISSING" \
        apt_install "${as_root[@]}"
}

# ---- Python ----------------------------------------------------------------------------------

python_fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null || fail "PYTHON=$PYTHON was not found."
        python_fits "$PYTHON" ||
            fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1); Everlisten needs Python 3.11, 3.12 or 3.13."
        return 0
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && python_fits "$name"; then
            PYTHON=$name
            return 0
        fi
    done
    if command -v python3 >/dev/null; then
        fail "$(python3 --version) is here, but Everlisten needs Python 3.11, 3.12 or 3.13;" \
            "install one of them and name it: make run PYTHON=/path/to/python3.12"
    fi
    is_debian || fail "Python was not found; install Python 3.11, 3.12 or 3.13."
    need_packages python3 python3-venv
    PYTHON=python3
    python_fits "$PYTHON" ||
        fail "this system's $(python3 --version) does not fit; Everlisten needs Python 3.11 to 3.13."
}

# Debian keeps the tool that puts pip into a new environment in a package of its own.
venv_package() {
    if is_debian && ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
}

# So it does with the headers that torch.compile builds with; a Python from elsewhere has its own.
headers_package() {
    is_debian || return 0
    "$PYTHON" -c 'import os, sys, sysconfig
debian = os.path.realpath(sys.executable).startswith("/usr/bin/")
if debian and not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print("python%d.%d-dev" % sys.version_info[:2])'
}

stamp_is() { [ "$(cat "$VENV/.everlisten/$1" 2>/dev/null)" = "$2" ]; }
stamp() {
    mkdir -p "$VENV/.everlisten"
    printf '%s\n' "$2" >"$VENV/.everlisten/$1"
}

make_venv() {
    # A moved folder breaks the paths inside an environment, so the place is part of the check.
    if [ -x "$VENV/bin/python" ] && python_fits "$VENV/bin/python" &&
        { stamp_is place "$ROOT" || [ ! -e "$VENV/.everlisten/place" ]; }; then
        stamp_is place "$ROOT" || stamp place "$ROOT"
        return 0
    fi
    step "Making the Python environment ${VENV#"$ROOT"/} with $("$PYTHON" --version)" \
        "$PYTHON" -m venv --clear "$VENV"
    stamp place "$ROOT"
}

pip_install() { "$VENV/bin/python" -m pip install --quiet "$@"; }

install_lock() {
    local lock=$1 what=$2 have
    have=$(hash_files "$lock")
    stamp_is "$(basename "$lock")" "$have" && return 0
    step "$what" pip_install --no-deps --require-hashes --only-binary :all: -r "$lock"
    stamp "$(basename "$lock")" "$have"
}

# No hashes: one version of torch stands for different wheels (CPU, CUDA), and pip takes the one
# that the machine's package index offers.
install_torch() {
    local have
    have=$(hash_files packaging/lock/torch.txt)
    stamp_is torch.txt "$have" && return 0
    step "Installing torch (200 MB to 3 GB, depending on the wheel that the index offers)" \
        pip_install --only-binary :all: -r packaging/lock/torch.txt
    stamp torch.txt "$have"
}

# Builds in a folder of its own: what an earlier build left behind would end up in the package.
build_and_install() {
    local scratch status=0
    scratch=$(mktemp -d)
    printf '[build]\nbuild_base = %s/build\n[egg_info]\negg_base = %s\n' "$scratch" "$scratch" \
        >"$scratch/build.cfg"
    DIST_EXTRA_CONFIG="$scratch/build.cfg" pip_install --no-deps --no-build-isolation \
        --force-reinstall . || status=$?
    rm -rf "$scratch"
    return "$status"
}

install_everlisten() {
    local have
    # shellcheck disable=SC2086  # a list of names
    have=$(hash_files $SOURCES)
    stamp_is sources "$have" && return 0
    step "Installing Everlisten itself" build_and_install
    stamp sources "$have"
}

# ---- what can be asked for -------------------------------------------------------------------

set_up_run() {
    VENV=$ROOT/.venv
    find_python
    # shellcheck disable=SC2046,SC2086  # lists of names
    need_packages $(venv_package) $RUN_PACKAGES
    make_venv
    install_lock packaging/lock/run.txt \
        "Installing the Python packages, speech model included (about 400 MB, a minute or two)"
    install_everlisten
}

set_up_test() {
    # An environment of its own: what is run by hand stays what a user gets, without torch.
    VENV=$ROOT/.venv-test
    find_python
    # shellcheck disable=SC2046,SC2086  # lists of names
    need_packages $(venv_package) $(headers_package) $RUN_PACKAGES $TEST_PACKAGES
    make_venv
    install_lock packaging/lock/test.txt \
        "Installing the Python packages for the tests (about 600 MB, a few minutes)"
    install_torch
    install_everlisten
}

# Runs every check, also after one that fails.
check() {
    local bin=$VENV/bin failed=""
    say "Lint: ruff, shellcheck"
    "$bin/ruff" check --output-format concise . || failed+=" ruff-check"
    "$bin/ruff" format --check . || failed+=" ruff-format"
    if [ -x "$bin/shellcheck" ]; then # its package is for x86-64 alone
        "$bin/shellcheck" packaging/setup.sh .ci/run || failed+=" shellcheck"
    fi
    say "Types: mypy"
    # Checked as installed, named by its place in the checkout.
    "$bin/mypy" -p everlisten.engine -p everlisten.audio_io -p everlisten.trainer \
        -p everlisten.ui -p everlisten.app |
        sed 's|^.venv-test/lib/[^/]*/site-packages/everlisten/||' || failed+=" mypy"
    say "Import rules: import-linter"
    "$bin/lint-imports" || failed+=" import-linter"
    [ -z "$failed" ] || fail "these checks found something (see above):$failed."
}

lock() {
    VENV=$ROOT/.venv-lock
    find_python
    make_venv
    pip_install "uv==$UV_VERSION"
    local compile=("$VENV/bin/uv" pip compile --quiet --universal --python-version 3.11
        --generate-hashes --only-binary ":all:" --custom-compile-command "make lock" "$@"
        pyproject.toml packaging/lock/build.in)
    say "Compiling packaging/lock/run.txt ..."
    "${compile[@]}" --extra captions -o packaging/lock/run.txt
    say "Compiling packaging/lock/test.txt ..."
    "${compile[@]}" packaging/lock/test.in --extra captions --extra model --extra test \
        --override packaging/lock/overrides.txt -c packaging/lock/run.txt \
        -o packaging/lock/test.txt
}

main() {
    local mode=${1:-}
    [ $# -eq 0 ] || shift
    case $mode in
        run)
            set_up_run
            exec "$VENV/bin/everlisten" "$@"
            ;;
        test)
            set_up_test
            check
            exec "$VENV/bin/pytest" -m "not slow and not gpu" "$@"
            ;;
        test-long)
            set_up_test
            exec "$VENV/bin/pytest" -m slow -o faulthandler_timeout=3600 "$@"
            ;;
        lint)
            set_up_test
            check
            ;;
        bench)
            set_up_test
            exec "$VENV/bin/everlisten" bench captions "$@"
            ;;
        lock) lock "$@" ;;
        *) fail "usage: packaging/setup.sh run|test|test-long|lint|bench|lock" ;;
    esac
}

main "$@"
