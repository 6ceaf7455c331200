#!/usr/bin/env bash
# Build the wheel, install it into a fresh environment outside the checkout, and use it there as a newcomer would:
# recipes, the tiny demo, detection with the model that the demo names, and its export without PyTorch. Some three minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m build --wheel --outdir "$folder/wheel" . >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
constraints=$PWD/constraints.txt
"$python" -m venv "$folder/env"
pip=("$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check -c "$constraints")
"${pip[@]}" torch
"${pip[@]}" "$folder"/wheel/augrgb-*.whl
cd "$folder"
export PATH=$folder/env/bin:$PATH
augrgb --help >/dev/null
augrgb recipes list >recipes.txt  # not piped into grep -q, which would close the pipe early
grep -q world/rgb recipes.txt
augrgb recipes copy tsu/cs_rgb
augrgb demo --tiny | tee demo.txt
test -s demo/report.html
# The last line is the command to try, such as `Try it: augrgb detect VIDEO --model MODEL`.
read -ra try < <(sed -n 's/^Try it: *//p' demo.txt)
"${try[@]}" --out detections --min-score 0.05
test -s detections/detections.json
# The same model exported, in an environment that has no PyTorch.
"${pip[@]}" onnx onnxscript onnxruntime
model=${try[-1]}
augrgb export "$model" --out exported
"$OLDPWD/scripts/runtime_smoke.sh" "$folder"/wheel/augrgb-*.whl exported "${try[2]}"
echo "the wheel works"
