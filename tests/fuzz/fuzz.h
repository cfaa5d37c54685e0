/* What fuzz targets share. A target returns 0 and stops at CHECK when a property does not hold,
 * also in builds without assertions. */
#pragma once
#include "base/base.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The call must succeed. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        Err *must_error_ = (call);                                                                 \
        if (must_error_ != NULL) {                                                                 \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err_message(must_error_));    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* True when the call refused its input; the error must be fit to print. */
static inline bool refused(Err *err)
{
    if (err == NULL) return false;
    const char *message = err_message(err);
    CHECK(message[0] != '\0');
    err_free(err);
    return true;
}
