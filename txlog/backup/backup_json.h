/* Reading the JSON of a backup: each member is asked for by its name and type, and a missing one is
 * an error that names it. */
#ifndef ASSENT_TXLOG_BACKUP_JSON_H
#define ASSENT_TXLOG_BACKUP_JSON_H

#include "common/ids.h"
#include "txlog/backup/backup_digest.h"

struct backup_json; /* an object, or an array of objects */

/* A document that is being taken apart. The first trouble sticks in `error` and `why`, and what is
 * read after it is zero. */
struct backup_reader {
    const char *path; /* for the sentence */
    struct backup_json *root;
    enum tx_error error;
    struct tx_why *why;
};

/* Parses; `path` and `why` must outlive the reader. backup_reader_end() has to follow. */
void backup_reader_begin(struct backup_reader *reader, struct tx_bytes text, const char *path,
                         struct tx_why *why);
/* Frees; gives the first trouble. */
enum tx_error backup_reader_end(struct backup_reader *reader) TX_MUST_CHECK;

/* Members of an object (the root, or an element). */
uint64_t backup_read_u64(struct backup_reader *reader, const struct backup_json *in,
                         const char *name);
bool backup_read_bool(struct backup_reader *reader, const struct backup_json *in, const char *name);
/* Text that fits, the NUL included. */
void backup_read_text(struct backup_reader *reader, const struct backup_json *in, const char *name,
                      char *out, size_t out_size);
struct backup_digest backup_read_digest(struct backup_reader *reader, const struct backup_json *in,
                                        const char *name);
/* An array of objects, and its elements. */
const struct backup_json *backup_read_array(struct backup_reader *reader,
                                            const struct backup_json *in, const char *name,
                                            size_t *n);
const struct backup_json *backup_read_at(const struct backup_json *array, size_t i);

/* Ends a document: ,"blake2b":"<64 digits>"}\n, with the digest of all that stands before it. */
void backup_seal(struct tx_buf *document);
/* Does it end so, byte for byte? */
bool backup_sealed(struct tx_bytes text) TX_MUST_CHECK;

/* What the document says is not possible. */
void backup_reader_refuse(struct backup_reader *reader, enum tx_error error, const char *what);

#endif
