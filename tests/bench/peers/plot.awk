# An SVG of the lines {"median_of":NAME,"clients":N,"per_second":R,"p50_us":L,...} of a JSON file of `run`. Both axes of values
# are logarithmic; the clients stand at equal distances.
/"machine":/ { machine = text_of("machine") }
/"accounts":/ {
    accounts = number_of("accounts")
    rounds = number_of("rounds")
    seconds = number_of("seconds")
}
/"median_of":/ {
    name = text_of("median_of")
    clients = number_of("clients")
    if (!(name in color_of)) {
        names[++names_n] = name
        color_of[name] = 1
    }
    if (!(clients in column_of)) {
        columns[++columns_n] = clients
        column_of[clients] = columns_n
    }
    value["rate", name, clients] = number_of("per_second")
    value["p50", name, clients] = number_of("p50_us")
}
function x_of(column) {
    return left + (columns_n > 1 ? (column - 1) * width / (columns_n - 1) : width / 2)
}
function scale(what,    i, c, v, least, greatest) {
    for (i = 1; i <= names_n; i++)
        for (c = 1; c <= columns_n; c++) {
            v = value[what, names[i], columns[c]]
            if (v > 0 && (least == 0 || v < least))
                least = v
            if (v > greatest)
                greatest = v
        }
    fit((least > 0) ? least : 1, (greatest > 0) ? greatest : 10)
}
function grid(    c) {
    grid_of_values()
    for (c = 1; c <= columns_n; c++)
        put(x_of(c), top + height + 18, "middle", 12, columns[c])
    put(left + width / 2, top + height + 36, "middle", 12, "clients at once")
}
function curve(what, name,    c, v, points, style) {
    for (c = 1; c <= columns_n; c++) {
        v = value[what, name, columns[c]]
        if (v > 0)
            points = points sprintf("%.1f,%.1f ", x_of(c), y_of(v))
    }
    style = (name == "assent") ? "stroke-width=\"3.5\"" : (name ~ /^skeleton/) ? "stroke-width=\"1.5\" stroke-dasharray=\"5 3\"" : "stroke-width=\"1.8\""
    printf "<polyline fill=\"none\" stroke=\"%s\" %s points=\"%s\"><title>%s</title></polyline>\n", color_of[name], style, points, escape(name)
    for (c = 1; c <= columns_n; c++) {
        v = value[what, name, columns[c]]
        if (v > 0)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"><title>%s, %d clients: %s</title></circle>\n", x_of(c), y_of(v), \
                (name == "assent") ? 4.5 : 3, color_of[name], escape(name), columns[c], v (what == "rate" ? "/s" : " us")
    }
}
function panel(what, title,    i) {
    scale(what)
    put(left, top - 12, "start", 14, title)
    grid()
    for (i = names_n; i >= 1; i--) # Assent, the first one, on top
        curve(what, names[i])
}
END {
    if (names_n == 0) {
        print "plot: no medians in this file" > "/dev/stderr"
        exit 1
    }
    for (i = 1; i <= names_n; i++)
        color_of[names[i]] = colour(i)
    width = 380
    height = 330
    top = 78
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1120 500\" width=\"1120\" height=\"500\" font-family=\"sans-serif\">"
    print "<rect width=\"1120\" height=\"500\" fill=\"#fff\"/>"
    put(20, 26, "start", 16, "One durable transfer between two stores of " accounts " accounts each")
    put(20, 46, "start", 11, "medians of " rounds ((rounds == 1) ? " round" : " rounds") " of " seconds " s; " machine)
    left = 80
    panel("rate", "transfers per second")
    left = 550
    panel("p50", "median latency, microseconds")
    for (i = 1; i <= names_n; i++) {
        printf "<line x1=\"955\" x2=\"980\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" %s/>\n", top + i * 22, top + i * 22, color_of[names[i]], \
            (names[i] == "assent") ? "stroke-width=\"3.5\"" : (names[i] ~ /^skeleton/) ? "stroke-width=\"1.5\" stroke-dasharray=\"5 3\"" : "stroke-width=\"1.8\""
        put(988, top + i * 22 + 4, "start", 12, names[i])
    }
    print "</svg>"
}
