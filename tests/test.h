/* test.h - the few lines that the plain C tests share: CHECK counts and reports, and a test program
 * ends with `return test_end()`. */
#ifndef CODE_TESTS_TEST_H
#define CODE_TESTS_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weak: the files of a program share them. */
__attribute__((weak)) unsigned test_checks, test_failures;

/* Counts a check; on failure prints the place and a message. */
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        __atomic_fetch_add(&test_checks, 1, __ATOMIC_RELAXED); /* from any thread */               \
        if (!(condition)) {                                                                        \
            __atomic_fetch_add(&test_failures, 1, __ATOMIC_RELAXED);                               \
            printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                                 \
            printf(__VA_ARGS__);                                                                   \
            putchar('\n');                                                                         \
        }                                                                                          \
    } while (0)

static inline int test_end(void)
{
    printf("%u checks, %u failures\n", test_checks, test_failures);
    return test_failures || !test_checks;
}

#endif
