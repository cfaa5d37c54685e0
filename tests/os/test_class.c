/* Path classes and counts: whose prefix is the longest, what a class means for names that are
 * spelled in other ways, the table's limit, and exact counts of exactly the calls that a function
 * makes, also from threads. */
#include "os_test.h"
#include <pthread.h>

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(os_class_name(OS_OTHER), "other");
    assert_string_equal(os_class_name(OS_HOST), "host");
    assert_string_equal(os_op_name(OS_OPEN), "open");
    assert_string_equal(os_op_name(OS_TRUNCATE), "truncate");
    for (int i = 0; i < OS_CLASS_COUNT; i++) {
        const char *name = os_class_name((OsClass)i);
        assert_int_equal(os_class_by_name(name, strlen(name)), i);
    }
    for (int i = 0; i < OS_OP_COUNT; i++) {
        const char *name = os_op_name((OsOp)i);
        assert_int_equal(os_op_by_name(name, strlen(name)), i);
    }
    assert_int_equal(os_class_by_name("lo", 2), -1);
    assert_int_equal(os_op_by_name("opens", 5), -1);
}

static void test_longest_prefix_wins(void **state)
{
    (void)state;
    os_class_add(at("pond"), OS_HOST);
    os_class_add(at("pond/cache/"), OS_CACHE); /* a slash at the end means nothing */
    os_class_add(at("pond/cache/index.db"), OS_INDEX);
    os_class_add(at("pond/log"), OS_LOG);
    assert_int_equal(os_class_of_path(at("pond")), OS_HOST);
    assert_int_equal(os_class_of_path(at("pond/x/log/y")), OS_HOST);
    assert_int_equal(os_class_of_path(at("pond/log")), OS_LOG);
    assert_int_equal(os_class_of_path(at("pond/log/_delta_log/0.json")), OS_LOG);
    assert_int_equal(os_class_of_path(at("pond/logs/0.json")), OS_HOST); /* whole components */
    assert_int_equal(os_class_of_path(at("pond/cache/cache.db")), OS_CACHE);
    assert_int_equal(os_class_of_path(at("pond/cache/index.db")), OS_INDEX);
    assert_int_equal(os_class_of_path(at("pond/cache/index.db-wal")), OS_INDEX);
    assert_int_equal(os_class_of_path(at("pond/cache/index.db-shm")), OS_INDEX);
    assert_int_equal(os_class_of_path(at("pond/cache/index.db-journal")), OS_INDEX);
    assert_int_equal(os_class_of_path(at("pond/cache/index.db-new")), OS_CACHE);
    assert_int_equal(os_class_of_path(at("pon")), OS_OTHER);
    assert_int_equal(os_class_of_path("/etc/passwd"), OS_OTHER);
    os_class_add(at("pond/log"), OS_BLOB); /* again: the later class */
    assert_int_equal(os_class_of_path(at("pond/log/x")), OS_BLOB);
    assert_int_equal(os_class_of_path(NULL), OS_OTHER);
    assert_int_equal(os_class_of_path(""), OS_OTHER);
}

static void test_spellings(void **state)
{
    (void)state;
    char here[PATH_MAX];
    os_class_add(at("a/log"), OS_LOG);
    assert_int_equal(os_class_of_path(at("a//log/./x")), OS_LOG);
    assert_int_equal(os_class_of_path(at("a/b/../log/x")), OS_LOG);
    assert_int_equal(os_class_of_path(at("a/log/../x")), OS_OTHER);
    assert_int_equal(os_class_of_path(at("../../../../../../..")), OS_OTHER);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(mkdirat(AT_FDCWD, at("a"), 0755), 0);
    assert_int_equal(chdir(at("a")), 0);
    assert_int_equal(os_class_of_path("log/x"), OS_LOG);
    assert_int_equal(os_class_of_path("./log"), OS_LOG);
    assert_int_equal(os_class_of_path("x"), OS_OTHER);
    os_class_add("blobs", OS_BLOB);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(os_class_of_path(at("a/blobs/1")), OS_BLOB);
    char longest[PATH_MAX + 10];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(os_class_of_path(longest), OS_OTHER);
}

/* A pond that is reached through a link: the engine may be given either name. */
static void test_links(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(AT_FDCWD, at("real"), 0755), 0);
    assert_int_equal(symlinkat("real", AT_FDCWD, at("link")), 0);
    os_class_add(at("link/new"), OS_STAGING);
    assert_int_equal(os_class_of_path(at("link/new/f")), OS_STAGING);
    assert_int_equal(os_class_of_path(at("real/new/f")), OS_STAGING);
}

static void register_root_and_more(void *argument)
{
    (void)argument;
    char path[64];
    os_class_add("/", OS_HOST);
    assert_int_equal(os_class_of_path("/anything"), OS_HOST);
    assert_int_equal(os_class_of_path("/proc/self/maps"), OS_OTHER);
    assert_int_equal(os_class_of_path("/dev/null"), OS_OTHER);
    assert_int_equal(os_class_of_path("/sys"), OS_OTHER);
    assert_int_equal(os_class_of_path("/devices"), OS_HOST);
    os_class_add("/dev/shm/pond", OS_LOG);
    assert_int_equal(os_class_of_path("/dev/shm/pond/x"), OS_LOG);
    for (int i = 0; i < 62; i++) { /* with the two above, 64 */
        (void)snprintf(path, sizeof path, "/class/%d", i);
        os_class_add(path, OS_CACHE);
        assert_int_equal(os_class_of_path(path), OS_CACHE);
    }
    os_class_add("/one/too/many", OS_BLOB);
    assert_int_equal(os_class_of_path("/one/too/many"), OS_HOST);
    os_class_add("/class/7", OS_BLOB); /* one that is there may still change */
    assert_int_equal(os_class_of_path("/class/7"), OS_BLOB);
    assert_int_equal(os_class_of_path("/class/61/x"), OS_CACHE);
}

static void test_root_system_directories_and_the_limit(void **state)
{
    (void)state;
    assert_int_equal(in_child(register_root_and_more, NULL), 0);
}

/* ---- counts ---- */

typedef struct Counts {
    uint64_t calls[OS_OP_COUNT], bytes[OS_OP_COUNT];
} Counts;

static Counts counts_of(OsOrigin origin, OsClass class)
{
    Counts counts;
    for (int i = 0; i < OS_OP_COUNT; i++) {
        OsCount count = os_count(origin, class, (OsOp)i);
        counts.calls[i] = count.calls;
        counts.bytes[i] = count.bytes;
    }
    return counts;
}

/* "open 1, write 2/10" since `before`: calls, and bytes where there are any. */
static const char *since(const Counts *before, OsOrigin origin, OsClass class)
{
    static char text[512];
    Counts now = counts_of(origin, class);
    size_t size = 0;
    text[0] = '\0';
    for (int i = 0; i < OS_OP_COUNT; i++) {
        unsigned long calls = now.calls[i] - before->calls[i],
                      bytes = now.bytes[i] - before->bytes[i];
        if (calls == 0) continue;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %lu", size == 0 ? "" : ", ",
                                 os_op_name((OsOp)i), calls);
        if (bytes > 0) size += (size_t)snprintf(text + size, sizeof text - size, "/%lu", bytes);
    }
    return text;
}

static void test_exact_counts_of_ours(void **state)
{
    (void)state;
    SCRATCH(arena);
    char *text;
    bool won;
    OsEntry *entries;
    size_t count;
    os_class_add(at("out"), OS_OUT);
    Counts before = counts_of(OS_OURS, OS_OUT), engine = counts_of(OS_ENGINE, OS_OUT);
    OK(os_mkdir(at("out")));
    assert_string_equal(since(&before, OS_OURS, OS_OUT), "mkdir 1");

    before = counts_of(OS_OURS, OS_OUT);
    OK(os_replace_file(at("out/f"), "0123456789", 10));
    assert_string_equal(since(&before, OS_OURS, OS_OUT),
                        "open 2, write 1/10, sync 2, rename 1, close 2");

    before = counts_of(OS_OURS, OS_OUT);
    OK(os_replace_unsynced(at("out/f"), "01234", 5));
    assert_string_equal(since(&before, OS_OURS, OS_OUT), "open 1, write 1/5, rename 1, close 1");

    before = counts_of(OS_OURS, OS_OUT);
    OK(os_link(at("out/f"), at("out/g"), &won));
    assert_string_equal(since(&before, OS_OURS, OS_OUT), "link 1");

    before = counts_of(OS_OURS, OS_OUT);
    OK(os_read_file(arena, at("out/f"), 100, &text, NULL));
    assert_string_equal(since(&before, OS_OURS, OS_OUT), "open 1, read 2/5, stat 1, close 1");

    before = counts_of(OS_OURS, OS_OUT);
    OK(os_list(arena, at("out"), &entries, &count));
    FAILS_ERRNO(os_unlink(at("out/no")), ENOENT); /* a failed call is a call */
    assert_string_equal(since(&before, OS_OURS, OS_OUT), "unlink 1, list 1");
    assert_string_equal(since(&engine, OS_ENGINE, OS_OUT), "");
}

/* The same calls by their libc names, as a library makes them. */
static void test_exact_counts_of_the_engines(void **state)
{
    (void)state;
    char bytes[8];
    struct stat now;
    os_class_add(at("blob"), OS_BLOB);
    Counts before = counts_of(OS_ENGINE, OS_BLOB), ours = counts_of(OS_OURS, OS_BLOB);
    assert_int_equal(mkdir(at("blob"), 0755), 0);
    int fd = open(at("blob/f"), O_RDWR | O_CREAT, 0644);
    assert_int_equal(write(fd, "1234", 4), 4);
    assert_int_equal(pwrite(fd, "56", 2, 4), 2);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(read(fd, bytes, 3), 3);
    assert_int_equal(pread(fd, bytes, 8, 2), 4);
    assert_int_equal(ftruncate(fd, 3), 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(fstat(fd, &now), 0);
    assert_int_equal(now.st_size, 3);
    void *mapped = mmap(NULL, 3, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_memory_equal(mapped, "123", 3);
    (void)munmap(mapped, 3);
    uint64_t maps = os_count(OS_ENGINE, OS_OTHER, OS_MAP).calls;
    mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* memory, no file */
    (void)munmap(mapped, 4096);
    assert_int_equal(os_count(OS_ENGINE, OS_OTHER, OS_MAP).calls, maps);
    assert_int_equal(close(fd), 0);
    assert_int_equal(access(at("blob/f"), R_OK), 0);
    assert_int_equal(rename(at("blob/f"), at("blob/g")), 0);
    assert_int_equal(remove(at("blob/g")), 0);
    assert_int_equal(remove(at("blob")), 0); /* unlink says it is a directory, then rmdir */
    assert_string_equal(
        since(&before, OS_ENGINE, OS_BLOB),
        "open 1, read 2/7, write 2/6, sync 2, rename 1, unlink 2, mkdir 1, rmdir 1, truncate 1, "
        "stat 2, close 1, seek 1, map 1");
    assert_string_equal(since(&ours, OS_OURS, OS_BLOB), "");
}

static void test_descriptors_keep_the_class_of_their_opening(void **state)
{
    (void)state;
    put_file(at("f"), "x");
    int fd = open(at("f"), O_RDONLY);
    assert_int_equal(os_class_of_fd(fd), OS_OTHER);
    os_class_add(at("f"), OS_HISTORY);
    assert_int_equal(os_class_of_fd(fd), OS_OTHER);
    assert_int_equal(close(fd), 0);
    fd = open(at("f"), O_RDONLY);
    assert_int_equal(os_class_of_fd(fd), OS_HISTORY);
    assert_int_equal(close(fd), 0);
    assert_int_equal(os_class_of_fd(fd), OS_OTHER); /* the number may be a socket's next */
    assert_int_equal(os_class_of_fd(-1), OS_OTHER);
    assert_int_equal(os_class_of_fd(INT_MAX), OS_OTHER);
    assert_int_equal(os_class_of_fd(STDOUT_FILENO), OS_OTHER);
}

/* A rename or link counts for where the new name is, or where the old one was. */
static void test_two_names(void **state)
{
    (void)state;
    os_class_add(at("from"), OS_STAGING);
    os_class_add(at("to"), OS_BLOB);
    OK(os_mkdir(at("from")));
    OK(os_mkdir(at("to")));
    put_file(at("from/f"), "");
    Counts staging = counts_of(OS_OURS, OS_STAGING), blob = counts_of(OS_OURS, OS_BLOB);
    OK(os_rename(at("from/f"), at("to/f")));
    assert_string_equal(since(&blob, OS_OURS, OS_BLOB), "rename 1");
    assert_string_equal(since(&staging, OS_OURS, OS_STAGING), "");
    blob = counts_of(OS_OURS, OS_BLOB);
    OK(os_rename(at("to/f"), at("elsewhere")));
    assert_string_equal(since(&blob, OS_OURS, OS_BLOB), "rename 1");
}

enum { THREADS = 8, ROUNDS = 2000 };

static void *write_often(void *argument)
{
    char name[32];
    (void)snprintf(name, sizeof name, "out/t%d", (int)(intptr_t)argument);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", base, name);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || write(fd, "12345", 5) != 5 || close(fd) != 0) return argument;
    }
    return NULL;
}

static void test_eight_threads_are_exact(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    void *result;
    os_class_add(at("out"), OS_OUT);
    OK(os_mkdir(at("out")));
    Counts before = counts_of(OS_ENGINE, OS_OUT);
    for (intptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_string_equal(since(&before, OS_ENGINE, OS_OUT),
                        "open 16000, write 16000/80000, close 16000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_root_system_directories_and_the_limit), /* first: the table is still empty */
        TEST(test_names),
        TEST(test_longest_prefix_wins),
        TEST(test_spellings),
        TEST(test_links),
        TEST(test_exact_counts_of_ours),
        TEST(test_exact_counts_of_the_engines),
        TEST(test_descriptors_keep_the_class_of_their_opening),
        TEST(test_two_names),
        TEST(test_eight_threads_are_exact),
    };
    return RUN("os: classes and counts", tests);
}
