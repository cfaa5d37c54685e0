/* The interposer against the two libraries it is made for: their undefined file calls are all
 * exported, what they do is counted under the class of the file and as the engine's, in bytes that
 * agree with the kernel's own account, and it obeys the fault plan. DuckDB is loaded by dlopen, as
 * the engine module does. */
#include "os_test.h"
#include <dlfcn.h>
#include <sqlite3.h>

/* ---- the list ---- */

/* File calls that need no interposing, and why. */
static const char *const PASSED_BY[] = {
    "closedir", "readdir", "readlink",
    "realpath", /* read names only; the directory's opening is counted */
    "chdir", "getcwd", "fchmod", "fchown", "utime",   /* change no content and no name */
    "statvfs", "ioctl", "fcntl", "fcntl64", "isatty", /* ask, or lock */
    "munmap", "mremap", "mprotect", "mlock", "munlock", "madvise", /* memory already mapped */
    "dlopen", "dlsym", "dlclose", "dlerror", /* libraries, by the linker's own calls */
    /* stdio: DuckDB uses it for /proc, cgroups and its terminal; data files never (their bytes
       agree below) */
    "fopen", "fclose", "fread", "fwrite", "fseek", "ftell", "rewind", "fflush", "fputc", "fputs",
    "fprintf", "getc", "ferror", "clearerr", "printf", "syscall", /* gettid and getrandom */
};

/* Names of libc that open, read, write, change or remove files: whatever of them a library wants
 * must be in interpose.list or above. Matched whole, with and without 64. */
static const char *const FILE_CALLS[] = {
    "open",
    "openat",
    "creat",
    "close",
    "dup",
    "dup2",
    "dup3",
    "read",
    "readv",
    "pread",
    "preadv",
    "preadv2",
    "write",
    "writev",
    "pwrite",
    "pwritev",
    "pwritev2",
    "lseek",
    "llseek",
    "fsync",
    "fdatasync",
    "sync",
    "syncfs",
    "sync_file_range",
    "truncate",
    "ftruncate",
    "fallocate",
    "posix_fallocate",
    "posix_fadvise",
    "copy_file_range",
    "sendfile",
    "splice",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "remove",
    "mkdir",
    "mkdirat",
    "rmdir",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "mlock",
    "munlock",
    "madvise",
    "msync",
    "stat",
    "lstat",
    "fstat",
    "fstatat",
    "newfstatat",
    "statx",
    "__xstat",
    "__lxstat",
    "__fxstat",
    "__fxstatat",
    "access",
    "faccessat",
    "opendir",
    "fdopendir",
    "readdir",
    "readdir_r",
    "scandir",
    "closedir",
    "ftw",
    "nftw",
    "fts_open",
    "glob",
    "readlink",
    "readlinkat",
    "realpath",
    "chdir",
    "fchdir",
    "getcwd",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "utime",
    "utimes",
    "utimensat",
    "futimens",
    "statfs",
    "fstatfs",
    "statvfs",
    "fstatvfs",
    "ioctl",
    "fcntl",
    "flock",
    "lockf",
    "isatty",
    "fopen",
    "freopen",
    "fdopen",
    "fclose",
    "fread",
    "fwrite",
    "fseek",
    "fseeko",
    "ftell",
    "ftello",
    "rewind",
    "fflush",
    "fputc",
    "fputs",
    "fprintf",
    "vfprintf",
    "fgetc",
    "fgets",
    "getc",
    "getline",
    "getdelim",
    "ferror",
    "clearerr",
    "printf",
    "setvbuf",
    "tmpfile",
    "tmpnam",
    "mkstemp",
    "mkostemp",
    "mkdtemp",
    "mknod",
    "mkfifo",
    "aio_read",
    "aio_write",
    "aio_fsync",
    "io_submit",
    "io_uring_enter",
    "process_vm_readv",
    "syscall",
    "dlopen",
    "dlsym",
    "dlclose",
    "dlerror",
    "__open_2",
    "__openat_2",
    "__read_chk",
    "__pread_chk",
    "__realpath_chk",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *name, size_t length, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) return true;
    }
    return false;
}

static bool is_file_call(const char *name)
{
    size_t length = strlen(name);
    if (is_one_of(name, length, FILE_CALLS, COUNT_OF(FILE_CALLS))) return true;
    return length > 2 && strcmp(name + length - 2, "64") == 0 &&
           is_one_of(name, length - 2, FILE_CALLS, COUNT_OF(FILE_CALLS));
}

/* "{ open; open64; };" : is `name` one of them? */
static bool is_listed(const char *list, const char *name)
{
    for (const char *found = list; (found = strstr(found, name)) != NULL; found++) {
        if (found[-1] == ' ' && found[strlen(name)] == ';') return true;
    }
    return false;
}

/* Undefined names of a library by nm; the number of file calls among them. */
static int check_library(const char *list, const char *library)
{
    char command[PATH_MAX], line[1024];
    int file_calls = 0, missing = 0;
    (void)snprintf(command, sizeof command, "nm -D --undefined-only '%.4000s'", library);
    FILE *names = popen(command, "r");
    assert_non_null(names);
    while (fgets(line, sizeof line, names) != NULL) {
        char *name = strrchr(line, ' ');
        assert_non_null(name++);
        name[strcspn(name, "@\n")] = '\0';
        if (!is_file_call(name)) continue;
        file_calls++;
        if (is_listed(list, name) || is_one_of(name, strlen(name), PASSED_BY, COUNT_OF(PASSED_BY)))
            continue;
        print_error("%s calls %s, which is neither in interpose.list nor passed by\n", library,
                    name);
        missing++;
    }
    assert_int_equal(pclose(names), 0);
    assert_int_equal(missing, 0);
    return file_calls;
}

static const char *source_path(const char *name)
{
    static char path[PATH_MAX];
    const char *source = getenv("POND_SOURCE");
    (void)snprintf(path, sizeof path, "%s/%s", source == NULL ? "." : source, name);
    return path;
}

static void test_list_covers_both_libraries(void **state)
{
    (void)state;
    char list[4096];
    (void)snprintf(list, sizeof list, "%s", content(source_path("src/os/interpose.list")));
    assert_true(check_library(list, source_path(".deps/duckdb/lib/libduckdb.so")) > 30);
    Dl_info sqlite;
    assert_true(dladdr((void *)(uintptr_t)sqlite3_libversion, &sqlite) != 0);
    assert_true(check_library(list, sqlite.dli_fname) > 20);
}

/* Each name of the list is found in the executable itself, first. */
static void test_list_is_exported(void **state)
{
    (void)state;
    char list[4096];
    (void)snprintf(list, sizeof list, "%s", content(source_path("src/os/interpose.list")));
    void *program = dlopen(NULL, RTLD_NOW);
    int checked = 0;
    for (char *name = strtok(list, " {};\n"); name != NULL; name = strtok(NULL, " {};\n")) {
        Dl_info ours, here;
        void *symbol = dlsym(program, name);
        assert_non_null(symbol);
        assert_true(dladdr(symbol, &ours) != 0);
        assert_true(dladdr((void *)(uintptr_t)test_list_is_exported, &here) != 0);
        if (ours.dli_fbase != here.dli_fbase) fail_msg("%s comes from %s", name, ours.dli_fname);
        checked++;
    }
    assert_true(checked >= 30);
    (void)dlclose(program);
}

/* ---- SQLite ---- */

static OsCount engine(OsClass class, OsOp op)
{
    return os_count(OS_ENGINE, class, op);
}

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static const char FILL[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a,b);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000)"
    "INSERT INTO t SELECT i, hex(randomblob(20)) FROM n;";

static void test_sqlite_is_counted(void **state)
{
    (void)state;
    sqlite3 *db;
    os_class_add(at("cache/index.db"), OS_INDEX);
    assert_int_equal(mkdirat(AT_FDCWD, at("cache"), 0755), 0);
    uint64_t other = engine(OS_OTHER, OS_WRITE).bytes;
    assert_int_equal(sqlite3_open(at("cache/index.db"), &db), SQLITE_OK);
    assert_int_equal(exec(db, FILL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(engine(OS_INDEX, OS_OPEN).calls >= 3); /* file, -wal, -shm */
    assert_true(engine(OS_INDEX, OS_WRITE).bytes > 20000 * 40);
    assert_true(engine(OS_INDEX, OS_SYNC).calls >= 2);
    assert_true(engine(OS_INDEX, OS_UNLINK).calls >= 1);
    assert_true(engine(OS_INDEX, OS_MAP).calls >= 1);
    assert_true(engine(OS_INDEX, OS_STAT).calls >= 1);
    assert_int_equal(engine(OS_INDEX, OS_OPEN).calls, engine(OS_INDEX, OS_CLOSE).calls);
    assert_int_equal(engine(OS_OTHER, OS_WRITE).bytes, other);
}

static void test_sqlite_obeys_the_plan(void **state)
{
    (void)state;
    sqlite3 *db;
    os_class_add(at("cache/index.db"), OS_INDEX);
    assert_int_equal(mkdirat(AT_FDCWD, at("cache"), 0755), 0);
    assert_int_equal(sqlite3_open(at("cache/index.db"), &db), SQLITE_OK);
    OK(os_fault_set("origin=engine,class=index,op=write,nth=3,do=enospc"));
    assert_int_equal(exec(db, FILL), SQLITE_FULL);
    assert_true(os_fault_seen() >= 3);
    OK(os_fault_set(NULL));
    assert_int_equal(exec(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(a)"), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- DuckDB, by its C API ---- */

typedef struct Duck {
    void *library, *database, *connection;
    int (*open)(const char *path, void **database);
    int (*connect)(void *database, void **connection);
    int (*query)(void *connection, const char *sql, void *result);
    void (*disconnect)(void **connection);
    void (*close)(void **database);
} Duck;

static void load(const Duck *duck, const char *name, void *into)
{
    void *symbol = dlsym(duck->library, name);
    assert_non_null(symbol);
    memcpy(into, &symbol, sizeof symbol);
}

static void duck_open(Duck *duck)
{
    duck->library = dlopen(source_path(".deps/duckdb/lib/libduckdb.so"), RTLD_NOW | RTLD_LOCAL);
    if (duck->library == NULL) fail_msg("%s", dlerror());
    load(duck, "duckdb_open", &duck->open);
    load(duck, "duckdb_connect", &duck->connect);
    load(duck, "duckdb_query", &duck->query);
    load(duck, "duckdb_disconnect", &duck->disconnect);
    load(duck, "duckdb_close", &duck->close);
    assert_int_equal(duck->open(NULL, &duck->database), 0);
    assert_int_equal(duck->connect(duck->database, &duck->connection), 0);
}

static void duck_close(Duck *duck)
{
    duck->disconnect(&duck->connection);
    duck->close(&duck->database);
}

/* 0 or 1, as duckdb_query; the statement's last word is the path. */
static int run(const Duck *duck, const char *start, const char *path)
{
    char sql[2 * PATH_MAX];
    (void)snprintf(sql, sizeof sql, "%s '%s'", start, path);
    return duck->query(duck->connection, sql, NULL);
}

#define COPY_OUT "COPY (SELECT i, i * 0.5 AS x, hash(i) AS h FROM range(300000) t(i)) TO"

/* rchar or wchar of /proc/self/io, by a descriptor that is not counted. */
static uint64_t kernel_bytes(const char *key)
{
    const char *found = strstr(content("/proc/self/io"), key);
    assert_non_null(found);
    return strtoull(found + strlen(key), NULL, 10);
}

static void assert_near(uint64_t ours, uint64_t kernels)
{
    if (ours > kernels || (double)ours < 0.98 * (double)kernels) {
        fail_msg("counted %llu bytes, the kernel %llu", (unsigned long long)ours,
                 (unsigned long long)kernels);
    }
}

static void test_duckdb_is_counted(void **state)
{
    (void)state;
    Duck duck;
    duck_open(&duck);
    os_class_add(at("staging"), OS_STAGING);
    os_class_add(at("blobs"), OS_BLOB);
    assert_int_equal(mkdirat(AT_FDCWD, at("staging"), 0755), 0);
    uint64_t wrote = kernel_bytes("wchar:"), read_before = engine(OS_BLOB, OS_READ).bytes;
    assert_int_equal(run(&duck, COPY_OUT, at("staging/a.parquet")), 0);
    assert_near(engine(OS_STAGING, OS_WRITE).bytes, kernel_bytes("wchar:") - wrote);
    assert_int_equal(engine(OS_STAGING, OS_OPEN).calls, 1);
    assert_int_equal(engine(OS_STAGING, OS_CLOSE).calls, 1);
    assert_true(engine(OS_STAGING, OS_WRITE).bytes > 1000000);
    assert_int_equal(engine(OS_STAGING, OS_SYNC).calls,
                     0); /* it never does: why os_sync_path exists */

    assert_int_equal(renameat(AT_FDCWD, at("staging"), AT_FDCWD, at("blobs")), 0);
    uint64_t read = kernel_bytes("rchar:");
    assert_int_equal(run(&duck, "SELECT sum(x), sum(h), sum(i) FROM", at("blobs/a.parquet")), 0);
    read = kernel_bytes("rchar:") - read;
    assert_near(engine(OS_BLOB, OS_READ).bytes - read_before, read);
    assert_true(engine(OS_BLOB, OS_OPEN).calls >= 1);
    assert_true(engine(OS_BLOB, OS_READ).calls >= 2);
    assert_int_equal(engine(OS_BLOB, OS_WRITE).calls, 0);
    duck_close(&duck);
}

static void test_duckdb_obeys_the_plan(void **state)
{
    (void)state;
    Duck duck;
    duck_open(&duck);
    os_class_add(at("staging"), OS_STAGING);
    assert_int_equal(mkdirat(AT_FDCWD, at("staging"), 0755), 0);
    OK(os_fault_set("origin=engine,class=staging,op=write,nth=2,do=enospc"));
    assert_int_equal(run(&duck, COPY_OUT, at("staging/a.parquet")), 1);
    assert_true(os_fault_seen() >= 2);
    OK(os_fault_set("class=staging,op=open,nth=1,do=eio"));
    assert_int_equal(run(&duck, COPY_OUT, at("staging/b.parquet")), 1);
    OK(os_fault_set("origin=ours,class=staging,do=eio")); /* not ours: nothing matches */
    assert_int_equal(run(&duck, COPY_OUT, at("staging/c.parquet")), 0);
    assert_int_equal(os_fault_seen(), 0);
    OK(os_fault_set("class=staging,op=read,nth=2,do=eio"));
    assert_int_equal(run(&duck, "SELECT count(x) FROM", at("staging/c.parquet")), 1);
    OK(os_fault_set(NULL));
    assert_int_equal(run(&duck, "SELECT count(x) FROM", at("staging/c.parquet")), 0);
    duck_close(&duck);
}

/* ---- loss of power under the engines: in children, at a call of ours that nothing else makes ----
 */

static void power_fails(void)
{
    err_free(os_rmdir(at("lost")));
    _exit(99);
}

static void commit_twice(void *argument)
{
    (void)argument;
    sqlite3 *db;
    OK(os_fault_set("origin=ours,op=rmdir,do=lose"));
    assert_int_equal(sqlite3_open(at("lost/index.db"), &db), SQLITE_OK);
    assert_int_equal(exec(db, FILL), SQLITE_OK);
    OK(os_sync_dir(at("lost"))); /* SQLite leaves the name of a new database to chance */
    assert_int_equal(exec(db, "INSERT INTO t VALUES (-1, 'second')"), SQLITE_OK);
    assert_int_equal(exec(db, "PRAGMA synchronous=OFF; INSERT INTO t VALUES (-2, 'lost')"),
                     SQLITE_OK);
    power_fails();
}

static int first_column(void *into, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    (void)snprintf(into, 64, "%s", values[0]);
    return 0;
}

static void test_sqlite_keeps_what_it_committed(void **state)
{
    (void)state;
    sqlite3 *db;
    char found[64] = "";
    os_class_add(at("lost"), OS_INDEX);
    OK(os_mkdir(at("lost")));
    assert_int_equal(in_child(commit_twice, NULL), 137);
    assert_int_equal(sqlite3_open(at("lost/index.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "SELECT count(*) || ' ' || min(a) FROM t", first_column, found, NULL),
        SQLITE_OK);
    assert_string_equal(found, "20001 -1");
    assert_int_equal(sqlite3_exec(db, "PRAGMA integrity_check", first_column, found, NULL),
                     SQLITE_OK);
    assert_string_equal(found, "ok");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void copy_out_and_sync_some(void *argument)
{
    (void)argument;
    Duck duck;
    duck_open(&duck);
    OK(os_fault_set("origin=ours,op=rmdir,do=lose"));
    assert_int_equal(run(&duck, COPY_OUT, at("lost/whole.parquet")), 0);
    assert_int_equal(run(&duck, COPY_OUT, at("lost/named.parquet")), 0);
    OK(os_sync_path(at("lost/whole.parquet")));
    OK(os_sync_dir(at("lost")));
    assert_int_equal(run(&duck, COPY_OUT, at("lost/gone.parquet")), 0);
    OK(os_sync_path(at("lost/gone.parquet")));
    power_fails();
}

static void test_duckdb_loses_what_we_do_not_sync(void **state)
{
    (void)state;
    Duck duck;
    os_class_add(at("lost"), OS_STAGING);
    OK(os_mkdir(at("lost")));
    assert_int_equal(in_child(copy_out_and_sync_some, NULL), 137);
    assert_false(is_there(at("lost/gone.parquet")));
    assert_string_equal(content(at("lost/named.parquet")), "");
    duck_open(&duck);
    assert_int_equal(run(&duck, "SELECT count(x) FROM", at("lost/whole.parquet")), 0);
    assert_int_equal(run(&duck, "SELECT count(x) FROM", at("lost/named.parquet")), 1);
    duck_close(&duck);
}

/* ---- before anyone is ready: our calls as a constructor of the program would make them ---- */

static int early_errno, early_fd;

__attribute__((constructor(101))) static void call_early(void)
{
    early_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    errno = 0;
    if (read(-1, &early_errno, 1) < 0) early_errno = errno;
}

static void test_calls_in_constructors(void **state)
{
    (void)state;
    assert_true(early_fd >= 0);
    assert_int_equal(early_errno, EBADF);
    assert_int_equal(close(early_fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list_covers_both_libraries),     TEST(test_list_is_exported),
        TEST(test_calls_in_constructors),          TEST(test_sqlite_is_counted),
        TEST(test_sqlite_obeys_the_plan),          TEST(test_duckdb_is_counted),
        TEST(test_sqlite_keeps_what_it_committed), TEST(test_duckdb_loses_what_we_do_not_sync),
        TEST(test_duckdb_obeys_the_plan),
    };
    return RUN("os: the engine's calls", tests);
}
