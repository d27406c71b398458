# Sums up the lines and branches of an lcov file by component; with gaps=1 also prints what never ran.
#
# Not counted: what a seeded bug alone would run (it is compiled away), and cases that the code itself
# declares to be impossible, which are the count at the end of an enum (..._N) and those that lead to
# nothing but an assertion; and, of a switch over an enum, the side of a value that the enum does not
# have (-Wswitch-enum sees to the others). The components' own checks (*_check.c) are the simulator's tools.
# usage: awk -v root=DIR/ [-v gaps=1] -f coverage.awk FILE.lcov

function component(file) {
    if (file ~ /_check\.c$/)
        return ""
    if (file ~ /^coordinator\/coord_/ && file !~ /_(shell|config)\.c$/)
        return "coordinator core"
    if (file ~ /^participant\/part_/ && file !~ /_(shell|config|perform)\.c$/)
        return "participant core"
    if (file ~ /^lockmgr\/.*\.c$/)
        return "lock manager"
    if (file ~ /^txlog\/(record|record_decode|redo)\.c$/)
        return "record codec"
    return ""
}

function indent(text) {
    match(text, /^ */)
    return RLENGTH
}

# Which lines of the source do not count.
function read_source(file,    text, n, line, i, j, asserts) {
    delete skip
    delete no_branch
    n = 0
    while ((getline line < (root file)) > 0)
        text[++n] = line
    close(root file)
    for (i = 1; i <= n; i++) {
        if (text[i] ~ /^ *case [A-Z0-9_]+_N:/)
            skip[i] = 1
        if (text[i] ~ /^ *switch \(/)
            no_branch[i] = 1
        if (text[i] ~ /^ *(} else )?if \(TX_SEEDED_BUG\([A-Z_]*\) &&/)
            no_branch[i] = 1
        if (text[i] ~ /^ *(} else )?if \(TX_SEEDED_BUG\(/)
            for (j = i + 1; j <= n && (indent(text[j]) > indent(text[i]) || text[j] == ""); j++)
                skip[j] = 1
        if (text[i] !~ /^ *TX_ASSERT\(/ || text[i - 1] !~ /^ *case /)
            continue
        skip[i] = 1
        for (j = i - 1; j > 0 && text[j] ~ /^ *case /; j--)
            skip[j] = 1
    }
}

function percent(part, whole) {
    return whole == 0 ? 100 : 100 * part / whole
}

function gap_ends() {
    if (gap_from > 0 && gaps)
        printf "%s:%s\n", file, gap_from == gap_to ? gap_from : gap_from "-" gap_to
    gap_from = 0
}

/^SF:/ {
    file = substr($0, 4)
    sub(/.*\/\.\.\/\.\.\//, "", file)
    sub("^" root, "", file)
    part = component(file)
    if (part != "")
        read_source(file)
    next
}
part == "" { next }
/^BRDA:/ {
    split(substr($0, 6), field, ",")
    if (skip[field[1]] || no_branch[field[1]])
        next
    branches[part]++
    if (field[4] != "-" && field[4] != 0)
        branches_hit[part]++
    else if (gaps > 1)
        printf "%s:%d branch\n", file, field[1]
    next
}
/^DA:/ {
    split(substr($0, 4), field, ",")
    if (skip[field[1]])
        next
    lines[part]++
    if (field[2] > 0) {
        lines_hit[part]++
        gap_ends()
    } else {
        if (gap_from == 0)
            gap_from = field[1]
        gap_to = field[1]
    }
    next
}
/^end_of_record/ { gap_ends() }
END {
    n = split("coordinator core:participant core:lock manager:record codec", order, ":")
    printf "%-18s %21s %21s\n", "", "lines", "branches"
    for (i = 1; i <= n; i++) {
        part = order[i]
        line_share = percent(lines_hit[part], lines[part])
        branch_share = percent(branches_hit[part], branches[part])
        printf "%-18s %6d of %5d %5.1f %% %6d of %5d %5.1f %%\n", part, lines_hit[part], lines[part],
            line_share, branches_hit[part], branches[part], branch_share
        failed = failed || line_share < lines_min || branch_share < branches_min
    }
    exit failed
}
