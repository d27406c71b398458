# The tables, or the JSON, of lines `curve x metric value`, one for each round.
# Variables: how (table, json), machine, version, curves (with blanks between), rounds, seconds, words.
{
    key = $1 SUBSEP $2 SUBSEP $3
    if (!(($1, $2) in seen_x)) {
        seen_x[$1, $2] = 1
        x[$1, ++xs[$1]] = $2
    }
    if (!(($1, $3) in seen_metric)) {
        seen_metric[$1, $3] = 1
        metric[$1, ++metrics[$1]] = $3
    }
    value[key, ++n[key]] = $4
}
function quote(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    gsub(/[[:cntrl:]]/, " ", text)
    return "\"" text "\""
}
# The value in the middle, or between the two that are.
function median(key,    i, j, swap, sorted) {
    for (i = 1; i <= n[key]; i++) {
        swap = value[key, i] + 0
        for (j = i - 1; j > 0 && sorted[j] > swap; j--)
            sorted[j + 1] = sorted[j]
        sorted[j + 1] = swap
    }
    return (sorted[int((n[key] + 1) / 2)] + sorted[int(n[key] / 2) + 1]) / 2
}
function extreme(key, sign,    i, best) {
    for (i = 1; i <= n[key]; i++)
        if (i == 1 || sign * value[key, i] > sign * best)
            best = value[key, i]
    return best
}
# 1234567.8 as 1,234,568; small numbers keep what they have behind the point.
function people(v,    text, out) {
    text = (v >= 1000) ? sprintf("%.0f", v) : (v == int(v)) ? sprintf("%d", v) : (v >= 100) ? sprintf("%.0f", v) : sprintf("%.2f", v)
    if (text + 0 < 1000)
        return text
    while (length(text) > 3) {
        out = "," substr(text, length(text) - 2) out
        text = substr(text, 1, length(text) - 3)
    }
    return text out
}
function table(curve,    i, m, key, line, rule) {
    line = "| " curve " |"
    rule = "|---|"
    for (m = 1; m <= metrics[curve]; m++) {
        line = line " " metric[curve, m] " |"
        rule = rule "---|"
    }
    print line
    print rule
    for (i = 1; i <= xs[curve]; i++) {
        line = "| " people(x[curve, i]) " |"
        for (m = 1; m <= metrics[curve]; m++) {
            key = curve SUBSEP x[curve, i] SUBSEP metric[curve, m]
            line = line " " ((key, 1) in value ? people(median(key)) : "") " |"
        }
        print line
    }
    print ""
}
function json(curve, first,    i, m, r, key, values) {
    for (i = 1; i <= xs[curve]; i++)
        for (m = 1; m <= metrics[curve]; m++) {
            key = curve SUBSEP x[curve, i] SUBSEP metric[curve, m]
            if (!((key, 1) in value))
                continue
            values = value[key, 1]
            for (r = 2; r <= n[key]; r++)
                values = values "," value[key, r]
            printf "%s{\"curve\":%s,\"x\":%s,\"metric\":%s,\"median\":%s,\"least\":%s,\"greatest\":%s,\"rounds\":[%s]}", first ? "" : ",\n", \
                quote(curve), x[curve, i], quote(metric[curve, m]), median(key), extreme(key, -1), extreme(key, 1), values
            first = 0
        }
    return first
}
END {
    curves_n = split(curves, curve, " ")
    if (how == "json") {
        printf "{\"machine\":%s,\n\"version\":%s,\"rounds\":%d,\"seconds\":%s,\"load\":%s,\n\"points\":[\n", quote(machine), quote(version), rounds, \
            seconds, quote(words)
        first = 1
        for (c = 1; c <= curves_n; c++)
            first = json(curve[c], first)
        print "\n]}"
        exit
    }
    print "How cost grows: medians of " rounds (rounds == 1 ? " round" : " rounds") " of loads of " seconds " s" (words == "" ? "" : " with " words)
    print machine
    print "version " version
    print ""
    for (c = 1; c <= curves_n; c++)
        table(curve[c])
    print "A number behind the comma of a heading: clients at once; a name: the daemon. Every load has passed its verification."
}
