/* A file as memory: what is written there outlives the process, however that ends. All its blocks
 * are taken at once, so that a full disk is an error here and no signal later. The lock (flock) is
 * the process's sign of life. */
#include "os/os_int.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

struct OsMap {
    void *memory;
    size_t size_bytes;
    int fd;
};

static Err *take_blocks(int fd, const char *path, size_t size_bytes)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) return OS_FAIL("lock", path);
    if (os_call_truncate(OS_OURS, fd, (off_t)size_bytes) != 0) return OS_FAIL("size", path);
    if (os_call_allocate(OS_OURS, fd, 0, 0, (off_t)size_bytes) != 0) return OS_FAIL("size", path);
    return NULL;
}

Err *os_map_new(const char *path, size_t size_bytes, OsMap **out)
{
    int fd = os_call_open(OS_OURS, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return OS_FAIL("open", path);
    Err *err = take_blocks(fd, path, size_bytes);
    void *memory = MAP_FAILED;
    if (err == NULL)
        memory = os_call_map(OS_OURS, NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (err == NULL && memory == MAP_FAILED) err = OS_FAIL("map", path);
    if (err != NULL) {
        (void)os_call_close(OS_OURS, fd);
        (void)os_call_unlink(OS_OURS, path);
        return err;
    }
    OsMap *map = calloc(1, sizeof *map);
    if (map == NULL) abort();
    *map = (OsMap){memory, size_bytes, fd};
    *out = map;
    return NULL;
}

void *os_map_memory(const OsMap *map)
{
    return map->memory;
}

Err *os_is_held(const char *path, bool *out)
{
    int fd = os_call_open(OS_OURS, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return OS_FAIL("open", path);
    *out = flock(fd, LOCK_SH | LOCK_NB) != 0;
    (void)os_call_close(OS_OURS, fd);
    return NULL;
}
