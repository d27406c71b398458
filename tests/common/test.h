/* What every cmocka program includes, in the order that cmocka wants. */
#ifndef ASSENT_TESTS_COMMON_TEST_H
#define ASSENT_TESTS_COMMON_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
