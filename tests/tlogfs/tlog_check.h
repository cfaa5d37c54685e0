/* That a pond is whole: fsck finds nothing, and the index advanced commit by commit equals one
 * built anew. */
#pragma once
#include "tlogfs/tlog_test.h"

static inline TlogFsck fsck_of(Tlog *tlog, bool quick)
{
    TlogFsck result = {0};
    OK(tlog_fsck(arena, tlog, (TlogFsckOptions){.quick = quick}, &result));
    return result;
}

static inline const char *check_whole(Tlog *tlog)
{
    TlogFsck result = fsck_of(tlog, false);
    for (size_t i = 0; i < result.problem_count; i++)
        print_error("fsck: %s\n", result.problems[i].what);
    assert_int_equal(result.problem_count, 0);
    assert_string_equal(result.root, fingerprint(tlog));
    assert_int_equal(result.nodes, tlog_info(tlog)->nodes);
    assert_int_equal(result.versions, tlog_info(tlog)->versions);
    assert_int_equal(result.blobs, tlog_info(tlog)->blobs);
    return arena_strdup(arena, result.root);
}
