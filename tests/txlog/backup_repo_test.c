/* A repository of backups without a daemon: every changed byte is found, what nobody needs goes,
 * and what a run that did not end has left is no backup. */
#include "tests/txlog/log_fixture.h"
#include "txlog/backup/backup_blob.h"
#include "txlog/backup/backup_check.h"
#include "txlog/backup/backup_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct backup_repo repo;

static int setup(void **state)
{
    int result = fixture_setup(state);
    struct tx_why why;

    if (result == 0 && backup_repo_open(&repo, fixture_dir, BACKUP_REPO_CREATE, &why) != TX_OK)
        fail_msg("%s", why.text);
    return result;
}

static int teardown(void **state)
{
    struct tx_why why;

    backup_repo_close(&repo);
    assert_int_equal(backup_directory_remove(fixture_dir, &why), TX_OK);
    return fixture_teardown(state);
}

/* ---- blobs ---- */

/* Half of it repeats itself, half does not. */
static struct tx_bytes content(uint8_t *to, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = i < n / 2 ? (uint8_t)(i % 7) : (uint8_t)(seed >> 24);
    }
    return tx_bytes(to, n);
}

static struct backup_blob put_blob(struct tx_bytes bytes, bool anew)
{
    struct backup_blob_writer *writer;
    struct backup_blob blob;
    struct tx_why why;

    assert_int_equal(backup_blob_begin(repo.path, &writer, &why), TX_OK);
    for (size_t at = 0; at < bytes.len; at += 1000) {
        size_t n = bytes.len - at < 1000 ? bytes.len - at : 1000;
        assert_int_equal(backup_blob_add(writer, tx_bytes(bytes.data + at, n), &why), TX_OK);
    }
    assert_int_equal(backup_blob_end(&writer, anew, &blob, &why), TX_OK);
    assert_null(writer);
    return blob;
}

static enum tx_error gather(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    (void)why;
    tx_buf_append(arg, bytes);
    return TX_OK;
}

static enum tx_error get_blob(const struct backup_digest *digest, struct tx_buf *out)
{
    struct tx_why why;

    tx_buf_clear(out);
    return backup_blob_read(repo.path, digest, gather, out, &why);
}

static const char *blob_file(const struct backup_digest *digest)
{
    static char path[PATH_MAX + 128];
    char text[BACKUP_DIGEST_TEXT];

    (void)snprintf(path, sizeof(path), "%s/blobs/%s.zst", repo.path,
                   backup_digest_print(digest, text));
    return path;
}

static void a_blob_comes_back_and_is_there_once(void **state)
{
    (void)state;
    static uint8_t bytes[600000];
    static const size_t sizes[] = {0, 1, 999, 300000, 600000};
    struct tx_buf out = {0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tx_bytes in = content(bytes, sizes[i], 7);
        struct backup_blob first = put_blob(in, false), again = put_blob(in, false);
        assert_true(first.fresh && !again.fresh);
        assert_true(backup_digest_equal(&first.digest, &again.digest));
        assert_int_equal(first.bytes, in.len);
        assert_true(in.len < 1000 || first.stored < in.len * 6 / 10);
        assert_true(put_blob(in, true).fresh);
        assert_int_equal(get_blob(&first.digest, &out), TX_OK);
        assert_true(tx_bytes_equal(tx_buf_view(&out), in));
    }
    tx_buf_deinit(&out);
}

/* The digest of RFC 7693's kind, as b2sum -l 256 gives it. */
static void the_digest_is_blake2b(void **state)
{
    (void)state;
    char text[BACKUP_DIGEST_TEXT];
    struct backup_digest digest = backup_digest_of(tx_bytes_str("abc")), parsed;
    assert_string_equal(backup_digest_print(&digest, text),
                        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_true(backup_digest_parse(text, &parsed) && backup_digest_equal(&digest, &parsed));
    text[5] = 'G';
    assert_false(backup_digest_parse(text, &parsed));
}

static void every_byte_of_a_blob_counts(void **state)
{
    (void)state;
    uint8_t bytes[1500];
    struct tx_buf out = {0};
    struct backup_blob blob = put_blob(content(bytes, sizeof(bytes), 3), false);
    const char *path = blob_file(&blob.digest);
    assert_int_equal(fixture_size(path), (off_t)blob.stored);
    for (off_t at = 0; at < (off_t)blob.stored; at++) {
        fixture_flip(path, at);
        if (get_blob(&blob.digest, &out) != TX_ECORRUPT)
            fail_msg("a change of byte %ld is not found", (long)at);
        fixture_flip(path, at);
    }
    assert_int_equal(get_blob(&blob.digest, &out), TX_OK);
    for (off_t size = 0; size < (off_t)blob.stored; size++) {
        put_blob(content(bytes, sizeof(bytes), 3), true);
        fixture_cut(path, size);
        if (get_blob(&blob.digest, &out) != TX_ECORRUPT)
            fail_msg("a cut at byte %ld is not found", (long)size);
    }
    fixture_unlink(path);
    assert_int_equal(get_blob(&blob.digest, &out), TX_ENOTFOUND);
    tx_buf_deinit(&out);
}

/* One that is whole in itself, under the name of another. */
static void a_blob_is_what_its_name_says(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct tx_buf out = {0};
    char other[PATH_MAX + 128];
    struct backup_blob one = put_blob(content(bytes, 50, 1), false);
    struct backup_blob two = put_blob(content(bytes, 51, 2), false);
    (void)snprintf(other, sizeof(other), "%s", blob_file(&one.digest));
    assert_int_equal(rename(other, blob_file(&two.digest)), 0);
    assert_int_equal(get_blob(&two.digest, &out), TX_ECORRUPT);
    tx_buf_deinit(&out);
}

/* ---- backups ---- */

/* A backup of one node with one file and one segment, each of its own content. */
static void put_backup(unsigned seed, bool ended, char name[BACKUP_NAME_MAX])
{
    uint8_t bytes[2000];
    struct backup_manifest manifest = {.cut = 3};
    struct backup_node node = {.identity = fixture_identity(), .cut = 3, .cut_lsn = {9}};
    struct tx_why why;
    struct backup_blob shared = put_blob(content(bytes, 700, 1000), false);
    struct backup_blob own = put_blob(content(bytes, sizeof(bytes), seed), false);
    struct backup_file file = {.name = "000001.sst", .bytes = shared.bytes, .blob = shared.digest};
    struct backup_segment segment = {
        .first = {5}, .last = {9}, .bytes = own.bytes, .blob = own.digest};
    assert_int_equal(backup_repo_begin(&repo, 1700000000000, manifest.name, &why), TX_OK);
    memcpy(name, manifest.name, BACKUP_NAME_MAX);
    memcpy(node.backup, manifest.name, BACKUP_NAME_MAX);
    (void)backup_node_label(&node.identity, node.node);
    assert_int_equal(backup_node_add_file(&node, &file), TX_OK);
    assert_int_equal(backup_node_add_segment(&node, &segment), TX_OK);
    assert_int_equal(backup_repo_put_node(repo.path, &node, &why), TX_OK);
    if (ended) {
        assert_int_equal(backup_repo_take(&repo, &manifest, node.node, &why), TX_OK);
        assert_int_equal(backup_repo_end(&repo, &manifest, &why), TX_OK);
    }
    backup_manifest_deinit(&manifest);
    backup_node_deinit(&node);
}

static void note_damage(void *arg, const char *text)
{
    (void)text;
    (*(unsigned *)arg)++;
}

/* How many damages. */
static unsigned damages(const char *name, unsigned sample)
{
    unsigned n = 0;
    struct backup_check check = {.sample = sample, .damage = note_damage, .arg = &n};
    struct tx_why why;
    assert_int_equal(backup_check_run(&repo, name, &check, &why), TX_OK);
    assert_int_equal(n, check.damages);
    return n;
}

static void every_byte_of_a_description_counts(void **state)
{
    (void)state;
    static const char *const files[] = {BACKUP_MANIFEST_FILE, "node-participant-a.json"};
    char name[BACKUP_NAME_MAX], path[PATH_MAX + 128];
    put_backup(1, true, name);
    assert_string_equal(name, "20231114T221320.000Z");
    assert_int_equal(damages(name, 100), 0);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/backups/%s/%s", repo.path, name, files[i]);
        for (off_t at = 0; at < fixture_size(path); at++) {
            fixture_flip(path, at);
            if (damages(name, 100) != 1)
                fail_msg("a change of byte %ld of %s is not found", (long)at, files[i]);
            fixture_flip(path, at);
        }
    }
    assert_int_equal(damages("latest", 100), 0);
    struct backup_check check = {.sample = 100, .damage = note_damage};
    struct tx_why why;
    assert_int_equal(backup_check_run(&repo, "20231114T221321Z", &check, &why), TX_ENOTFOUND);
    assert_int_equal(backup_check_run(&repo, "../x", &check, &why), TX_EINVAL);
}

/* A sample reads some, and misses none that is not there. */
static void a_sample_misses_nothing(void **state)
{
    (void)state;
    char name[BACKUP_NAME_MAX];
    uint8_t bytes[2000];
    put_backup(1, true, name);
    struct backup_blob own = put_blob(content(bytes, sizeof(bytes), 1), false);
    fixture_unlink(blob_file(&own.digest));
    assert_int_equal(damages(name, 1), 1);
}

static void what_nobody_needs_goes(void **state)
{
    (void)state;
    char first[BACKUP_NAME_MAX], second[BACKUP_NAME_MAX], broken[BACKUP_NAME_MAX];
    struct backup_sweep swept;
    struct backup_names names;
    struct tx_why why;
    put_backup(1, true, first);
    put_backup(2, true, second);
    put_backup(3, false, broken);
    assert_int_equal(backup_repo_list(&repo, &names, &why), TX_OK);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.items[0], first);
    assert_string_equal(names.items[1], second);
    backup_names_deinit(&names);
    assert_int_equal(backup_repo_clean(&repo, &why), TX_OK); /* with the blob of the broken one */
    assert_int_equal(backup_repo_remove(&repo, first, &why), TX_OK);
    assert_int_equal(backup_repo_sweep(&repo, &swept, &why), TX_OK);
    assert_int_equal(swept.blobs, 1); /* the other one is shared */
    assert_int_equal(damages(second, 100), 0);
    assert_int_equal(damages("latest", 100), 0);
}

/* What a backup needs cannot be known: nothing is removed. */
static void nothing_goes_while_a_manifest_is_damaged(void **state)
{
    (void)state;
    char first[BACKUP_NAME_MAX], second[BACKUP_NAME_MAX], path[PATH_MAX + 128];
    struct backup_sweep swept;
    struct tx_why why;
    put_backup(1, true, first);
    put_backup(2, true, second);
    (void)snprintf(path, sizeof(path), "%s/backups/%s/%s", repo.path, first, BACKUP_MANIFEST_FILE);
    fixture_flip(path, 20);
    assert_int_equal(backup_repo_sweep(&repo, &swept, &why), TX_ECORRUPT);
    assert_int_equal(swept.blobs, 0);
    fixture_flip(path, 20);
    assert_int_equal(damages(first, 100), 0);
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct backup_repo other;
    struct tx_why why;
    assert_int_equal(backup_repo_open(&other, fixture_dir, BACKUP_REPO_CHANGE, &why), TX_EBUSY);
    backup_repo_close(&other);
    assert_int_equal(backup_repo_open(&other, fixture_dir, BACKUP_REPO_READ, &why), TX_EBUSY);
    backup_repo_close(&other);
    assert_int_equal(backup_repo_open(&other, "/etc", BACKUP_REPO_CREATE, &why), TX_EINVAL);
    backup_repo_close(&other);
    assert_int_equal(backup_repo_open(&other, "/nowhere/x", BACKUP_REPO_READ, &why), TX_ENOTFOUND);
    backup_repo_close(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_blob_comes_back_and_is_there_once),
        TEST(the_digest_is_blake2b),
        TEST(every_byte_of_a_blob_counts),
        TEST(a_blob_is_what_its_name_says),
        TEST(every_byte_of_a_description_counts),
        TEST(a_sample_misses_nothing),
        TEST(what_nobody_needs_goes),
        TEST(nothing_goes_while_a_manifest_is_damaged),
        TEST(one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
