/* The tests of the coordinator's table, in files by groups of states. */
#ifndef ASSENT_TESTS_COORDINATOR_TABLE_H
#define ASSENT_TESTS_COORDINATOR_TABLE_H

#include "coord_driver.h"

/* The coordinator under test: up anew for each cell, with all participants welcomed. */
extern struct driver d;
int table_setup(void **unused);
int table_teardown(void **unused);

#define CELL(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)

/* Each runs its group; the number of tests that failed. */
int table_begun(void);
int table_collecting(void);
int table_decided(void);
int table_started(void);

#endif
