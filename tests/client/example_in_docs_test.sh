#!/bin/sh
# Does the page show the example program as it is compiled?
# usage: example_in_docs_test.sh PROGRAM PAGE
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
awk '/^```c$/ && !done { on = 1; next } /^```$/ && on { on = 0; done = 1 } on' "$2" >"$tmp/shown"
diff -u --label "$1" --label "the first program of $2" "$1" "$tmp/shown"
