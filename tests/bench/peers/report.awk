# The table, or the JSON, of lines `name clients round per_second p50 p95 p99 aborted` (microseconds).
# Variables: how (table, json), machine, versions ("name=version;..."), names and clients (with blanks between), rounds, seconds,
# accounts.
{
    key = $1 SUBSEP $2
    n[key]++
    rate[key, n[key]] = $4
    p50[key, n[key]] = $5
    p95[key, n[key]] = $6
    p99[key, n[key]] = $7
    aborted[key] += $8
    runs[NR] = sprintf("{\"name\":%s,\"clients\":%d,\"round\":%d,\"per_second\":%s,\"p50_us\":%d,\"p95_us\":%d,\"p99_us\":%d,\"aborted\":%d}",
        quote($1), $2, $3, $4, $5, $6, $7, $8)
}
function quote(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    gsub(/[[:cntrl:]]/, " ", text)
    return "\"" text "\""
}
# The value in the middle, or between the two that are.
function median(of, key,    i, j, swap, sorted) {
    for (i = 1; i <= n[key]; i++) {
        swap = of[key, i] + 0
        for (j = i - 1; j > 0 && sorted[j] > swap; j--)
            sorted[j + 1] = sorted[j]
        sorted[j + 1] = swap
    }
    return (sorted[int((n[key] + 1) / 2)] + sorted[int(n[key] / 2) + 1]) / 2
}
function extreme(of, key, sign,    i, best) {
    for (i = 1; i <= n[key]; i++)
        if (i == 1 || sign * of[key, i] > sign * best)
            best = of[key, i]
    return best
}
function table(    c, i, key, base) {
    print "One durable transfer between two stores of " accounts " accounts each, medians of " rounds \
        (rounds == 1 ? " round" : " rounds") " of " seconds " s"
    print machine
    print "versions: " list_versions()
    print ""
    printf "%7s  %-16s %10s %19s %9s %9s %9s  %13s  %12s\n", "clients", "", "transfers/s", "least..greatest", "p50 us", "p95 us", "p99 us", "Assent's rate", "Assent's p50"
    for (c = 1; c <= clients_n; c++) {
        base = "assent" SUBSEP client[c]
        for (i = 1; i <= names_n; i++) {
            key = name[i] SUBSEP client[c]
            printf "%7d  %-16s %11.0f %19s %9d %9d %9d  %11.2f x  %10.2f x%s\n", client[c], name[i], median(rate, key),
                sprintf("%.0f..%.0f", extreme(rate, key, -1), extreme(rate, key, 1)), median(p50, key), median(p95, key),
                median(p99, key), median(rate, base) / median(rate, key), ratio(median(p50, base), median(p50, key)),
                note(aborted[key])
        }
        print ""
    }
    print "Assent's rate, Assent's p50: divided by that of the line; a rate above 1 and a p50 below 1 are good for Assent."
    print "After each load the sums of both stores were what the committed transfers make of them."
}
function note(aborted_n) {
    return (aborted_n > 0) ? "  (" aborted_n " aborted)" : ""
}
function ratio(a, b) {
    return b > 0 ? a / b : 0
}
function list_versions(    i, text) {
    for (i = 1; i <= names_n; i++)
        if (name[i] !~ /^skeleton|-blind$/ || i == 1 || (name[i] ~ /^skeleton/ && name[i - 1] !~ /^skeleton/))
            text = text (text == "" ? "" : ", ") (name[i] ~ /^skeleton/ ? "skeleton" : name[i]) " " version[name[i]]
    return text
}
function json(    c, i, key, comma) {
    printf "{\"machine\":%s,\n\"accounts\":%d,\"rounds\":%d,\"seconds\":%s,\n\"versions\":{", quote(machine), accounts, rounds, seconds
    for (i = 1; i <= names_n; i++)
        printf "%s%s:%s", (i > 1 ? "," : ""), quote(name[i]), quote(version[name[i]])
    print "},\n\"runs\":["
    for (i = 1; i <= NR; i++)
        print runs[i] ((i < NR) ? "," : "")
    print "],\n\"medians\":["
    for (i = 1; i <= names_n; i++)
        for (c = 1; c <= clients_n; c++) {
            key = name[i] SUBSEP client[c]
            printf "{\"median_of\":%s,\"clients\":%d,\"per_second\":%.1f,\"p50_us\":%d,\"p95_us\":%d,\"p99_us\":%d}%s\n",
                quote(name[i]), client[c], median(rate, key), median(p50, key), median(p95, key), median(p99, key),
                ((i < names_n || c < clients_n) ? "," : "")
        }
    print "]}"
}
END {
    names_n = split(names, name, " ")
    clients_n = split(clients, client, " ")
    pairs_n = split(versions, pair, ";")
    for (i = 1; i < pairs_n; i++) {
        at = index(pair[i], "=")
        version[substr(pair[i], 1, at - 1)] = substr(pair[i], at + 1)
    }
    if (how == "json")
        json()
    else
        table()
}
