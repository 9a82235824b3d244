#!/usr/bin/env bash
# Everything that needs a GPU, in one call, on a machine without network:
#   bench/gpu_check.sh [REPORT]
# Writes REPORT (default gpu-report.md) and goes on where a step fails; the exit code is the number of failed steps.
#
# Needs Python 3.11 or later with cupy, numpy, scipy, numba, rich, pytest and hypothesis. Pyomo and highspy may lie as
# wheels in .whl/ (pip download --no-deps …); compute-sanitizer is used where it is on the PATH.
#   PYTHON=python3  WHEELS=.whl  COUNT=4e6  COUNTS="1e6 1e7 1e8 1e9"  SECONDS_EACH=120  TOOLS="memcheck racecheck …"
#   TESTS="tests/kernels …"  WORKERS=4 (of pytest-xdist, where it is installed)  STEP_SECONDS=900 (most for one step)
#   DEVICE=cpu tries the script without a GPU.  An empty TOOLS or TESTS leaves them out.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

report=${1:-gpu-report.md}
python=${PYTHON:-python3}
wheels=${WHEELS:-.whl}
count=${COUNT:-4e6}
read -r -a counts <<<"${COUNTS:-1e6 1e7 1e8 1e9}"
each=${SECONDS_EACH:-120}
read -r -a tools <<<"${TOOLS-memcheck racecheck synccheck initcheck}"
device=${DEVICE:-cuda}
read -r -a tests <<<"${TESTS-tests/kernels tests/optimizer/setup/test_devices.py tests/optimizer/test_cuda_plans.py}"

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
# The checkout is the package, whatever its folder is called.
mkdir -p "$scratch/path" && ln -s "$PWD" "$scratch/path/capmix"
export PYTHONPATH="$scratch/path:$scratch/site:$PWD${PYTHONPATH:+:$PYTHONPATH}"
export CUPY_CACHE_DIR=${CUPY_CACHE_DIR:-$scratch/kernels}
export NUMBA_CACHE_DIR=${NUMBA_CACHE_DIR:-$scratch/numba}
failed=0

say() { printf '%s\n' "$@" | tee -a "$report"; }

# step TITLE COMMAND…: the last lines of the output go into the report; so does a failure.
step() {
  local title=$1 log="$scratch/log" code=0
  shift
  say "" "## $title" "" '```'
  timeout --kill-after=5 "${STEP_SECONDS:-900}" "$@" >"$log" 2>&1 || code=$?
  tail -n "${LINES_KEPT:-40}" "$log" | tee -a "$report"
  say '```'
  if [ "$code" -ne 0 ]; then
    failed=$((failed + 1))
    say "" "**FAILED with exit code $code.**"
  fi
}

: >"$report"
say "# GPU check"
if compgen -G "$wheels/*.whl" >/dev/null; then
  step "Wheels" "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
    --target "$scratch/site" "$wheels"/*.whl
fi
if command -v nvidia-smi >/dev/null; then
  step "Device" nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free,compute_cap --format=csv
fi
LINES_KEPT=60 step "Doctor" "$python" -m capmix doctor hyperscaler
pytest=("$python" -m pytest -q -p no:cacheprovider)
if "$python" -c "import xdist" 2>/dev/null; then pytest+=(-n "${WORKERS:-4}" --dist loadfile); fi
if [ "${#tests[@]}" -gt 0 ]; then
  step "Tests on the device, kernels and plans" env CAPMIX_TEST_DEVICE="$device" "${pytest[@]}" "${tests[@]}"
fi
if [ "$device" = cuda ] && command -v compute-sanitizer >/dev/null; then
  for tool in "${tools[@]}"; do
    step "compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 9 \
      "$python" -m bench.gpu --exercise
  done
else
  say "" "compute-sanitizer: not run (device $device)."
fi
LINES_KEPT=200 step "Figures" "$python" -m bench.gpu --device "$device" --count "$count" --counts "${counts[@]}" \
  --seconds "$each"
say "" "$failed steps failed."
exit "$failed"
