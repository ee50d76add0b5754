#!/usr/bin/env bash
# Completes what `cargo xtask dist` has made for each target: the source archive, the formula that points to it, SHA256SUMS in
# the place of one file for each checksum. The notes of the release, its part of CHANGELOG.md, go to notes.md.
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: packaging/release.sh TAG OWNER/REPOSITORY FOLDER" >&2
    echo "example: packaging/release.sh v0.1.0 example/lockwatch target/dist" >&2
    exit 2
fi
tag=$1 repository=$2 folder=$3
version=${tag#v}
source=lockwatch-$tag-source.tar.gz
top=$(cd "$(dirname "$0")/.." && pwd)

(cd "$folder" && sha256sum --check --quiet -- *.sha256)

git -C "$top" archive --format=tar.gz --prefix="lockwatch-$tag/" "$tag" >"$folder/$source"
sum=$(sha256sum <"$folder/$source" | cut -d ' ' -f 1)
url=https://github.com/$repository/releases/download/$tag/$source
awk -v url="$url" -v sum="$sum" -v home="https://github.com/$repository" '
    /^  homepage / { print "  homepage \"" home "\""; print "  url \"" url "\""; print "  sha256 \"" sum "\""; next }
    { gsub("https://github.com/example/lockwatch", home); print }
' "$top/packaging/homebrew/lockwatch.rb" >"$folder/lockwatch.rb"

awk -v begin="## [$version]" '
    /^## / { inside = index($0, begin) == 1; next }
    inside && /^\[.*\]: / { exit }
    inside { print }
' "$top/CHANGELOG.md" >notes.md
if ! grep -q '[^[:space:]]' notes.md; then
    echo "release.sh: CHANGELOG.md has nothing under \"## [$version]\"; name what is under \"Unreleased\" so" >&2
    exit 1
fi

rm -- "$folder"/*.sha256
(cd "$folder" && sha256sum -- * >SHA256SUMS)
cat "$folder/SHA256SUMS"
