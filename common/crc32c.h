/* The two ways to compute a CRC-32C. Callers use tx_crc32c() of common/bytes.h, which picks the
 * fast one where the processor has it; this header lets the tests hold one against the other. */
#ifndef ASSENT_COMMON_CRC32C_H
#define ASSENT_COMMON_CRC32C_H

#include "common/bytes.h"

/* With a table; works everywhere. */
uint32_t tx_crc32c_table(uint32_t crc, struct tx_bytes bytes);

/* Has this processor an instruction for it? */
bool tx_crc32c_has_hardware(void);
/* With that instruction; only where tx_crc32c_has_hardware(). */
uint32_t tx_crc32c_hardware(uint32_t crc, struct tx_bytes bytes);

#endif
