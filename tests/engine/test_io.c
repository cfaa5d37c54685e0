/* File calls as the kernel counts them: what os has counted of ours and of the engine's agrees with
 * /proc/self/io within 2 %, and each file's own counts are what was done to it. */
#include "engine_test.h"
#include <fcntl.h>
#include <sys/syscall.h>

typedef struct Bytes {
    uint64_t read, written;
} Bytes;

/* By bare system calls, which os does not see; the kernel counts these few bytes. */
static Bytes kernel_bytes(void)
{
    char text[1024] = {0};
    Bytes bytes = {0};
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/io", O_RDONLY);
    assert_true(syscall(SYS_read, fd, text, sizeof text - 1) > 0);
    (void)syscall(SYS_close, fd);
    assert_int_equal(
        sscanf(text, "rchar: %" SCNu64 "\nwchar: %" SCNu64, &bytes.read, &bytes.written), 2);
    return bytes;
}

static Bytes our_bytes(void)
{
    Bytes bytes = {0};
    for (int origin = 0; origin < OS_ORIGIN_COUNT; origin++) {
        for (int class = 0; class < OS_CLASS_COUNT; class ++) {
            bytes.read += os_count((OsOrigin)origin, (OsClass) class, OS_READ).bytes;
            bytes.written += os_count((OsOrigin)origin, (OsClass) class, OS_WRITE).bytes;
        }
    }
    return bytes;
}

static OsPathCount count_of_path(const char *path)
{
    OsPathCount *counts, found = {0};
    size_t count;
    uint64_t left_out;
    os_path_counts(arena, &counts, &count, &left_out);
    assert_int_equal(left_out, 0);
    for (size_t i = 0; i < count; i++)
        if (strcmp(counts[i].path, path) == 0) found = counts[i];
    return found;
}

static void near(uint64_t ours, uint64_t kernels)
{
    double ratio = (double)ours / (double)kernels;
    if (ratio < 0.98 || ratio > 1.02)
        fail_msg("%" PRIu64 " bytes by our count, %" PRIu64 " by the kernel's", ours, kernels);
}

static void test_bytes_of_the_kernel(void **state)
{
    (void)state;
    const char *file = arena_printf(arena, "%s/io.parquet", root);
    int64_t size;
    char sha256[65];
    OK(engine_exec(conn, "SELECT 1")); /* all is loaded */
    Bytes kernel = kernel_bytes(), ours = our_bytes();
    ParquetStats stats;
    ParquetWrite write = {.path = file,
                          .select_sql = "SELECT i, hash(i) AS h, (i * 7919 % 100003)::DOUBLE AS v "
                                        "FROM range(1000000) t(i)"};
    OK(engine_write_parquet(arena, conn, &write, &stats));
    Bytes wrote = kernel_bytes(), we_wrote = our_bytes();
    assert_true(wrote.written - kernel.written > 8000000);
    near(we_wrote.written - ours.written, wrote.written - kernel.written);
    OK(engine_exec(conn, arena_printf(arena, "SELECT sum(h), sum(v) FROM read_parquet(%s)",
                                      sql_literal(arena, file))));
    OK(os_sha256_file(file, &size, sha256)); /* ours reads it once through */
    Bytes read = kernel_bytes(), we_read = our_bytes();
    near(we_read.read - we_wrote.read, read.read - wrote.read);
    OsPathCount count = count_of_path(file);
    assert_int_equal(count.written_bytes, size);
    assert_int_equal(count.size_bytes, size);
    assert_int_equal(count.class, OS_OUT);
    assert_true(count.footers >= 1);
    near(count.read_bytes, read.read - wrote.read);
    assert_true(count.read_bytes > (uint64_t)size); /* hashed, and two of three columns */
    assert_true(count.opens >= 3);
    assert_true(count.ticks > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_bytes_of_the_kernel)};
    return cmocka_run_group_tests_name("engine io", tests, make_root, remove_root);
}
