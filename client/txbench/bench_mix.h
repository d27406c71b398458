/* A mix of operations: "read=50,update=45,scan=5", or one of the letters of the Yahoo benchmark
 * (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010, table 2). Pure. */
#ifndef ASSENT_CLIENT_BENCH_MIX_H
#define ASSENT_CLIENT_BENCH_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_mix_op {
    BENCH_MIX_READ,
    BENCH_MIX_UPDATE, /* writes without reading */
    BENCH_MIX_INSERT,
    BENCH_MIX_SCAN,
    BENCH_MIX_RMW, /* reads, and writes the same record */
};
#define BENCH_MIX_OPS (BENCH_MIX_RMW + 1)

struct bench_mix {
    unsigned percent[BENCH_MIX_OPS]; /* together 100 */
};

/* Letters a to f: 50/50 read/update, 95/5 read/update, read, 95/5 read/insert, 95/5 scan/insert,
 * 50/50 read/rmw. False with a sentence in `why`. */
bool bench_mix_parse(const char *text, struct bench_mix *mix, char *why, size_t why_size);
/* What a random number stands for. */
enum bench_mix_op bench_mix_choose(const struct bench_mix *mix, uint64_t random);

#endif
