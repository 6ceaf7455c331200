#!/usr/bin/env bash
# Detection where PyTorch is not installed: the wheel and the packages that docs/deploy.md names, and no others, in a
# fresh environment; the exported model's own test, and a video from file to results.
#     scripts/runtime_smoke.sh WHEEL EXPORTED_MODEL VIDEO
set -euo pipefail
python=${PYTHON:-python3}
wheel=$(realpath "$1") model=$(realpath "$2") video=$(realpath "$3")
repository=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
read -ra needed < <(sed -n 's/^pip install \(av numpy .*\)$/\1/p' "$repository/docs/deploy.md")
"$python" -m venv "$folder/env"
pip=("$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps "$wheel"
"${pip[@]}" -c "$repository/constraints.txt" "${needed[@]}"
cd "$folder"
export PATH=$folder/env/bin:$PATH
if python -c "import torch" 2>import.txt; then
    echo "torch is installed, so this shows nothing" && exit 1
fi
grep -q "No module named 'torch'" import.txt
augrgb detect --model "$model" --self-test
augrgb detect "$video" --model "$model" --runtime onnx --out detections --min-score 0.05 --srt --vtt --eaf --overlay
test -s detections/detections.json
python -c "import json, sys; sys.exit(not any(json.load(open('detections/detections.json'))['results'].values()))"
du -sh "$folder/env" | cut -f1
echo "detection works without PyTorch"
