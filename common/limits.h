/* Every fixed limit of the system. docs/limits.md lists them for users; a test compares the two. */
#ifndef ASSENT_COMMON_LIMITS_H
#define ASSENT_COMMON_LIMITS_H

#define TX_KEY_MAX             4096u    /* bytes of a key */
#define TX_VALUE_MAX           524288u  /* bytes of a value (512 KiB) */
#define TX_SPACE_MAX           64u      /* bytes of a keyspace's name */
#define TX_NAME_MAX            31u      /* characters of a node's name */
#define TX_CLUSTER_MAX         63u      /* characters of a cluster's name */
#define TX_ADDRESS_MAX         127u     /* characters of an address */
#define TX_IDEMPOTENCY_KEY_MAX 64u      /* bytes of an idempotency key */
#define TX_TEXT_MAX            512u     /* bytes of an explanation that travels in a message */
#define TX_SCAN_ROWS_MAX       10000u   /* rows of one scan; a longer one is continued */
#define TX_SCAN_BYTES_MAX      262144u  /* bytes of its rows (256 KiB), unless it is one */
#define TX_ROWS_BYTES_MAX      528400u  /* bytes of one row, the longest, as a scan packs it */
#define TX_OPS_MAX             10000u   /* operations of a transaction */
#define TX_MEMBERS_MAX         64u      /* participants of a transaction */
#define TX_OPEN_IDS_MAX        4096u    /* unfinished ids listed in a FORGET */
#define TX_MESSAGE_MAX         1048576u /* bytes of a frame (1 MiB); the default, configurable */
#define TX_FRAME_DEPTH_MAX     16u      /* nesting of a frame */
#define TX_FRAME_OBJECTS_MAX   200000u  /* msgpack objects of a frame */
#define TX_FRAME_MESSAGES_MAX  10000u   /* messages of a frame */
#define TX_NODES_MAX           1024u    /* participants of a cluster */
#define TX_HELLO_NODES_MAX     256u     /* of them, whose addresses one HELLO tells */
#define TX_LINEAGE_MAX         16u      /* starts of a node that it tells others of */
#define TX_CUTS_KEPT           16u      /* cuts of a node that it can still name the position of */
#define TX_CUT_ASKERS_MAX      64u      /* clients that wait for a cut at a node */
#define TX_STATUS_ROWS_MAX     1000u    /* rows of each list in a STATUS */
#define TX_BACKUP_NAME_MAX     47u      /* bytes of the name of a backup, and of a node in it */
#define TX_BACKUP_PATH_MAX     1024u    /* bytes of the path of a repository of backups */
#define TX_LOCKS_BYTES_MAX     49152u   /* bytes of a LOCKS (48 KiB): fits in any frame */
#define TX_LOCK_BLOCKERS_MAX   16u      /* transactions named that stand in the way of a waiter */
#define TX_COORDINATOR_ID_MAX  65535u   /* coordinators are numbered from 1 */

#endif
