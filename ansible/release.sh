#!/bin/sh
# Packs what a machine needs into build/vitrina-COMMIT.tar.gz: the committed tree, the built model weights and the
# pages' libraries. Store machines then need no Node, no compiler and no repository. Prints the file's name.
set -eu
cd "$(dirname "$0")/.."
for built in models/weights/manifest.json central/web/node_modules/.package-lock.json; do
  [ -f "$built" ] || { echo "$built is missing: run 'make setup' first" >&2; exit 1; }
done
.venv/bin/python -m models verify >&2
commit=$(git rev-parse --short=12 HEAD)
out=build/vitrina-$commit.tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive --format=tar --output="$work/tree.tar" HEAD
tar --append --file="$work/tree.tar" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
  models/weights central/web/node_modules
printf '%s\n' "$commit" > "$work/RELEASE"
# Last in the archive: where it stands, everything before it was unpacked.
tar --append --file="$work/tree.tar" --mtime=@0 --owner=0 --group=0 --mode=0644 -C "$work" RELEASE
mkdir -p build
gzip --no-name --stdout "$work/tree.tar" > "$work/whole"
mv "$work/whole" "$out"
echo "$out"
