# What the scripts share that draw an SVG of a JSON file of lines: taking values out of a line, text, and a logarithmic axis of values in
# the frame left, top, width, height, from 10^low to 10^high.
function text_of(key,    rest) {
    if (!match($0, "\"" key "\":\""))
        return ""
    rest = substr($0, RSTART + RLENGTH)
    sub(/".*/, "", rest)
    return rest
}
function number_of(key) {
    return match($0, "\"" key "\":[0-9.]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : 0
}
function escape(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}
function put(x, y, anchor, size, text) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor, size, escape(text)
}
function log10(x) {
    return log(x) / log(10)
}
function floor(x) {
    return (x < 0 && int(x) != x) ? int(x) - 1 : int(x)
}
function plain(v) {
    return (v >= 1000000) ? v / 1000000 " million" : (v >= 1000) ? v / 1000 " thousand" : v ""
}
function y_of(v) {
    return top + height - (log10(v) - low) * height / (high - low)
}
# Decades, or half ones, from `low` to `high` that hold the values from `least` to `greatest`.
function fit(least, greatest) {
    low = floor(log10(least) * 2) / 2
    high = -floor(-log10(greatest) * 2) / 2
    if (high <= low)
        high = low + 0.5
}
function grid_of_values(    decade, step, v) {
    for (decade = floor(low); decade <= high; decade++)
        for (step = 1; step <= 5; step += (step == 1) ? 1 : 3) {
            v = step * 10 ^ decade
            if (log10(v) < low - 0.001 || log10(v) > high + 0.001)
                continue
            printf "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", left, left + width, y_of(v), y_of(v), \
                (step == 1) ? "#bbb" : "#e8e8e8"
            put(left - 6, y_of(v) + 4, "end", 11, plain(v))
        }
}
# After Okabe and Ito: apart also for those who see fewer colours.
function colour(i,    palette, n) {
    n = split("#000000 #0072b2 #d55e00 #009e73 #56b4e9 #cc79a7 #e69f00 #8c6d31 #999999 #5e3c99", palette, " ")
    return palette[(i - 1) % n + 1]
}
