# An SVG of the lines {"curve":C,"x":X,"metric":M,"median":V,...} of a JSON file of `run`: panels side by side, as far as there are
# values for them. Values are on a logarithmic axis; the points of a curve stand at equal distances.
/"machine":/ { machine = text_of("machine") }
/"rounds":[0-9]/ && /"seconds":/ {
    rounds = number_of("rounds")
    seconds = number_of("seconds")
    version = text_of("version")
}
/"curve":/ {
    curve = text_of("curve")
    match($0, /"x":[0-9.]+/)
    x = substr($0, RSTART + 4, RLENGTH - 4)
    if (!((curve, x) in place_of)) {
        xs[curve, ++xs_n[curve]] = x
        place_of[curve, x] = xs_n[curve]
    }
    value[curve, text_of("metric"), x] = number_of("median")
}
function x_of(curve, i) {
    return left + (xs_n[curve] > 1 ? (i - 1) * width / (xs_n[curve] - 1) : width / 2)
}
function dots(curve, metric, color,    i, v, points, text) {
    for (i = 1; i <= xs_n[curve]; i++) {
        v = value[curve, metric, xs[curve, i]]
        if (v > 0)
            points = points sprintf("%.1f,%.1f ", x_of(curve, i), y_of(v))
    }
    text = escape(curve " " metric)
    printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"><title>%s</title></polyline>\n", color, points, text
    for (i = 1; i <= xs_n[curve]; i++) {
        v = value[curve, metric, xs[curve, i]]
        if (v > 0)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%s at %s: %s</title></circle>\n", x_of(curve, i), y_of(v), color, \
                text, xs[curve, i], v
    }
}
# A panel with these metrics (blanks between); none where there is no value.
function panel(curve, metrics, title, below,    n, list, m, i, v, least, greatest) {
    n = split(metrics, list, " ")
    for (m = 1; m <= n; m++)
        for (i = 1; i <= xs_n[curve]; i++) {
            v = value[curve, list[m], xs[curve, i]]
            if (v > 0 && (least == 0 || v < least))
                least = v
            if (v > greatest)
                greatest = v
        }
    if (greatest == 0)
        return
    left = 80 + (panels % 3) * 380
    top = 90 + int(panels / 3) * 300
    panels++
    fit(least, greatest)
    put(left, top - 10, "start", 13, title)
    grid_of_values()
    for (i = 1; i <= xs_n[curve]; i++)
        put(x_of(curve, i), top + height + 16, "middle", 11, plain(xs[curve, i]))
    put(left + width / 2, top + height + 32, "middle", 11, below)
    for (m = 1; m <= n; m++) {
        dots(curve, list[m], colour(m + 1))
        if (n > 1)
            printf "<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" fill=\"%s\">%s</text>\n", left + 6, top + 14 * m, colour(m + 1), escape(list[m])
    }
}
function panels_of_all() {
    panel("participants", "tx/s,64", "transactions/s, 64 clients", "participants of a transaction")
    panel("participants", "p50_us,64 p50_us,1", "median, us", "participants of a transaction")
    panel("operations", "p50_us,1", "median, us, one client", "operations of a transaction")
    panel("operations", "ops/s,8", "operations/s, 8 clients", "operations of a transaction")
    panel("value", "p50_us,1", "median, us, one client", "bytes of a value")
    panel("value", "MB/s,8", "MB/s written, 8 clients", "bytes of a value")
    panel("clients", "tx/s", "transfers/s", "clients at once")
    panel("clients", "p50_us p99_us", "latency, us", "clients at once")
    panel("open", "tx/s,64", "transfers/s, 64 clients", "transactions held open")
    panel("open", "MB,p1 MB,coordinator", "memory of a daemon, MB", "transactions held open")
    panel("conflict", "tx/s", "transfers/s, 64 clients", "accounts")
    panel("conflict", "p50_us p99_us", "latency, us", "accounts")
    panel("skew", "tx/s", "transactions/s, 64 clients", "theta of the zipfian choice")
    panel("recovery", "ready_ms,p1 ready_ms,coordinator ready_ms,all", "from the start to serving, ms", "records in the log")
    panel("doubt", "ready_ms,all settled_ms,all", "from the start, ms", "transactions in doubt")
    panel("cluster", "tx/s,64", "transfers/s, 64 clients", "participants of the cluster")
    panel("cluster", "p50_us,1 p50_us,64", "median, us", "participants of the cluster")
    panel("simulated", "messages/tx,coordinator messages/tx,participants", "messages of a transfer", "participants of the cluster, simulated")
}
END {
    width = 280
    height = 200
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1180 1860\" width=\"1180\" font-family=\"sans-serif\">"
    print "<rect width=\"1180\" height=\"1860\" fill=\"#fff\"/>"
    put(20, 26, "start", 16, "How cost grows")
    put(20, 46, "start", 11, "version " version ", medians of " rounds ((rounds == 1) ? " round" : " rounds") " of " seconds " s; " machine)
    panels_of_all()
    print "</svg>"
    if (panels == 0) {
        print "plot: no points in this file" > "/dev/stderr"
        exit 1
    }
}
