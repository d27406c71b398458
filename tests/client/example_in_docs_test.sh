#!/bin/sh
# Does the page show the example program as it is compiled?
# usage: example_in_docs_test.sh PROGRAM PAGE [NUMBER]     NUMBER: of the C program on the page, from 1
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
awk -v wanted="${3:-1}" '/^```c$/ { if (++n == wanted) on = 1; next } /^```$/ { on = 0 } on' "$2" >"$tmp/shown"
diff -u --label "$1" --label "program ${3:-1} of $2" "$1" "$tmp/shown"
