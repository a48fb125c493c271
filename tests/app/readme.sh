#!/usr/bin/env bash
# readme.sh TIERSIM README: the README's scenario runs, and says what the README says that it does.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed -n '/^```yaml$/,/^```$/p' "$2" | sed '/^```/d' >"$dir/radiology.yaml"
sed -n '/^`tiersim run radiology.yaml`/,/^`tiersim explain/p' "$2" | grep '^  ' >"$dir/told"
"$1" run "$dir/radiology.yaml" --no-report >"$dir/said" 2>/dev/null
[ -s "$dir/told" ]
while IFS= read -r line; do
    grep -qxF -- "$line" "$dir/said" || { echo "the run does not say: $line"; cat "$dir/said"; exit 1; }
done <"$dir/told"
