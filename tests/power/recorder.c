/* Records what a process asks of its disk and when it acknowledges; can make either fail.

   One lock gives one order. A write is performed and recorded under it. An fsync is recorded when
   it begins and when it ends, since only what was written before it began is then on disk. An
   acknowledgement is recorded before it is sent. A record, in the byte order of the machine:
   kind u8, length of the name u8, offset i64, length u32, name, bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int kept = -1;
static char folder[4096];
static long fsyncs, writes, fail_fsync_at, fail_write_at, sticky;

#define REAL(result, name, ...) \
    static result (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("POWER_LOG"), *under = getenv("POWER_FOLDER");
    if (!log || !under) return;
    snprintf(folder, sizeof folder, "%s/", under);
    fail_fsync_at = number("FAIL_FSYNC_AT");
    fail_write_at = number("FAIL_WRITE_AT");
    sticky = number("STICKY");
    kept = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name inside the folder, or NULL where the descriptor is something else. */
static const char *name_of(int fd, char *room, size_t size) {
    char link[64];
    if (kept < 0 || fd == kept) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int before = errno;
    ssize_t length = readlink(link, room, size - 1);
    errno = before;
    if (length <= 0) return NULL;
    room[length] = 0;
    size_t prefix = strlen(folder);
    return strncmp(room, folder, prefix) ? NULL : room + prefix;
}

static void record(char kind, const char *name, int64_t offset, const void *bytes, uint32_t length) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    uint8_t short_name = (uint8_t)strlen(name);
    uint32_t size = bytes ? length : 0;
    struct iovec parts[] = {{&kind, 1}, {&short_name, 1}, {&offset, 8}, {&size, 4},
                            {(void *)name, short_name}, {(void *)bytes, size}};
    int before = errno;
    ssize_t done = real_writev(kept, parts, bytes ? 6 : 5);
    if (done != 14 + short_name + (ssize_t)size) abort();
    errno = before;
}

static int fails(long *count, long at) {
    long n = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    return at && (n == at || (sticky && n > at));
}

static ssize_t put(int fd, const char *name, const void *bytes, size_t length, int64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    REAL(ssize_t, write, int, const void *, size_t);
    pthread_mutex_lock(&order);
    ssize_t done = -1;
    if (fails(&writes, fail_write_at)) {
        record('n', name, 0, NULL, 0);
        errno = ENOSPC;
    } else {
        int64_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
        done = offset >= 0 ? real_pwrite64(fd, bytes, length, offset) : real_write(fd, bytes, length);
        if (done > 0) record('w', name, at, bytes, (uint32_t)done);
    }
    pthread_mutex_unlock(&order);
    return done;
}

/* An MLLP answer: its control id is MSA-2, after the code that MSA-1 is. */
static void mark(const void *bytes, size_t length) {
    if (kept < 0 || length < 8 || *(const char *)bytes != 0x0b) return;
    const char *msa = memmem(bytes, length, "\rMSA|A", 6), *end = (const char *)bytes + length;
    if (!msa || end - msa < 9) return;
    const char *id = msa + 8, *stop = id;
    while (stop < end && *stop != '|' && *stop != '\r') stop++;
    char code[3] = {msa[5], msa[6], 0};
    pthread_mutex_lock(&order);
    record('a', code, 0, id, (uint32_t)(stop - id));
    pthread_mutex_unlock(&order);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char room[4096];
    const char *name = name_of(fd, room, sizeof room);
    if (name) return put(fd, name, bytes, length, -1);
    mark(bytes, length);
    return real_write(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    char room[4096];
    const char *name = name_of(fd, room, sizeof room);
    return name ? put(fd, name, bytes, length, offset) : real_pwrite64(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    char room[4096];
    if (!name_of(fd, room, sizeof room)) return real_writev(fd, parts, count);
    ssize_t done = 0;
    for (int i = 0; i < count; i++) {
        ssize_t one = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (one < 0) return done ? done : one;
        done += one;
    }
    return done;
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    char room[4096];
    const char *name = name_of(fd, room, sizeof room);
    if (!name) return real_ftruncate64(fd, length);
    pthread_mutex_lock(&order);
    int done = real_ftruncate64(fd, length);
    if (!done) record('t', name, length, NULL, 0);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_with(int (*real)(int), int fd) {
    char room[4096];
    const char *name = name_of(fd, room, sizeof room);
    if (!name) return real(fd);
    pthread_mutex_lock(&order);
    int is_failing = fails(&fsyncs, fail_fsync_at);
    int64_t ticket = fsyncs;
    record('b', name, ticket, NULL, 0);
    pthread_mutex_unlock(&order);
    int done = is_failing ? -1 : real(fd);
    if (is_failing) errno = EIO;
    pthread_mutex_lock(&order);
    record(done ? 'f' : 's', name, ticket, NULL, 0);
    pthread_mutex_unlock(&order);
    return done;
}

int fsync(int fd) {
    REAL(int, fsync, int);
    return sync_with(real_fsync, fd);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    return sync_with(real_fdatasync, fd);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    size_t prefix = strlen(folder);
    if (kept < 0 || strncmp(path, folder, prefix)) return real_unlink(path);
    pthread_mutex_lock(&order);
    int done = real_unlink(path);
    if (!done) record('u', path + prefix, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    REAL(ssize_t, send, int, const void *, size_t, int);
    mark(bytes, length);
    return real_send(fd, bytes, length, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags,
               const struct sockaddr *to, socklen_t size) {
    REAL(ssize_t, sendto, int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    mark(bytes, length);
    return real_sendto(fd, bytes, length, flags, to, size);
}
