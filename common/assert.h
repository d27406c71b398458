/* Assertions: always on, without side effects, through one hook.
 *
 * TX_ASSERT guards what this program itself promises. What a peer or a user sends is checked, never
 * asserted. A broken assertion stops the process: every daemon recovers from its log at the next
 * start. */
#ifndef ASSENT_COMMON_ASSERT_H
#define ASSENT_COMMON_ASSERT_H

#include <stddef.h>

/* Where coverage is measured, an assertion would count as a branch that nothing ever takes. It has
 * no side effects, so leaving it out changes nothing else. */
#if defined(ASSENT_COVERAGE)
#define TX_ASSERT(condition) ((void)0)
#elif defined(ASSENT_SEEDED_BUGS)
/* The simulator's test may switch the cores' own checks off, to see what is noticed from outside.
 */
extern int tx_asserts_ignored;
#define TX_ASSERT(condition)                                                                       \
    ((condition) || tx_asserts_ignored                                                             \
         ? (void)0                                                                                 \
         : tx_assert_failed(#condition, __FILE__, __LINE__, __func__))
#else
#define TX_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : tx_assert_failed(#condition, __FILE__, __LINE__, __func__))
#endif

/* Calls the hook, then abort(). The hook may not return control to the failed code. */
_Noreturn void tx_assert_failed(const char *condition, const char *file, int line,
                                const char *function);

/* Called before abort() with the text of the failure; the daemons log it. NULL restores the
 * default, which prints to stderr. */
void tx_assert_hook_set(void (*hook)(const char *text));

/* For what cannot go on without memory: the machine has none left, which is nobody's mistake here.
 * The process says so on stderr and ends with the exit status EX_OSERR; what it has acknowledged is
 * durable. */
#define TX_NEED_MEMORY(condition) ((condition) ? (void)0 : tx_memory_failed(__func__))

_Noreturn void tx_memory_failed(const char *function);

/* Memory for the pure cores, whose sizes are bounded by stated limits: these never return NULL,
 * they end as TX_NEED_MEMORY() does. */
void *tx_xmalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *tx_xcalloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *tx_xrealloc(void *old, size_t bytes) __attribute__((returns_nonnull));

#endif
