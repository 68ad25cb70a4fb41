/* A call that must succeed; its last argument is `&err`. */
#ifndef RADZ_TESTS_MUST_H
#define RADZ_TESTS_MUST_H

#include "base/status.h"

#define MUST(CALL)                                                                                                     \
    do {                                                                                                               \
        radz_error err = {0};                                                                                          \
        if ((CALL) != RADZ_OK)                                                                                         \
            fail_msg("%s: %s", #CALL, err.message);                                                                    \
    } while (0)

#endif
