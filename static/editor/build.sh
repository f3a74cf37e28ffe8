#!/bin/sh
# Rebuilds editor.js and LICENSES.txt from the versions pinned in package-lock.json. Needs Node 20 or later.
# The lock names no registry (.npmrc), so whichever one npm is set to is asked; the hashes in it decide.
set -eu
cd "$(dirname "$0")"
trap 'rm -rf node_modules' EXIT  # so that collectstatic never meets it
npm ci --no-audit --no-fund
node build.mjs
