# The manual page of a configuration file: a template, with the line "@keys@" replaced by the keys in the tables of
# docs/configuration.md, which a test compares with the programs.
# usage: awk -v chapter="txcoordinator" -f config_page.awk configuration.md TEMPLATE
function plain(text) {
    gsub(/`/, "", text)
    while (match(text, /\[[^]]*\]\([^)]*\)/)) { # of a link, the text
        link = substr(text, RSTART + 1, index(substr(text, RSTART), "](") - 2)
        text = substr(text, 1, RSTART - 1) link substr(text, RSTART + RLENGTH)
    }
    gsub(/\\/, "\\e", text)
    gsub(/\. /, ".\n", text) # a sentence, a line
    gsub(/\n\./, "\n\\\\\\&.", text) # no line may begin as a macro does
    sub(/^\./, "\\\\\\&.", text)
    return text
}
FNR == NR && /^## / { on = $0 == "## " chapter }
FNR == NR && on && /^\| key / {
    delete at
    n = split($0, cell, / \| /)
    sub(/ \|$/, "", cell[n])
    for (i = 1; i <= n; i++)
        at[cell[i]] = i
}
FNR == NR {
    if (on && /^\| `/) {
        split($0, cell, / \| /)
        name = cell[1]
        gsub(/^\| `|`$/, "", name)
        meaning = cell[at["meaning"]]
        sub(/ \|$/, "", meaning)
        dot = index(name, ".")
        section = substr(name, 1, dot - 1)
        if (!(section in keys))
            order[++sections] = section
        keys[section] = keys[section] ".It Cm " substr(name, dot + 1) "\n" plain(meaning) "\n" \
            (cell[2] == "required" ? "Required" : "Default: " plain(cell[2])) "; accepts: " plain(cell[3]) ".\n" \
            ("taken at" in at && cell[at["taken at"]] == "SIGHUP" ? "A change is taken at SIGHUP.\n" : "")
    }
    next
}
$0 == "@keys@" {
    for (i = 1; i <= sections; i++)
        printf "%s.Bq Cm %s\n.Bl -tag -width Ds\n%s.El\n", (i > 1 ? ".Pp\n" : ""), order[i], keys[order[i]]
    next
}
{ print }
