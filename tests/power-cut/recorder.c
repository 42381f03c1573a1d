/*
 * LD_PRELOAD: writes down, in order, everything that a process does to the files below $HEMHUB_RECORD_ROOT, into
 * $HEMHUB_RECORD_LOG. What is written to the file $HEMHUB_RECORD_ACKS, and with $HEMHUB_RECORD_STDOUT to the standard
 * output, is written down as acknowledgements, in the same order. From such a log cuts.ts rebuilds the disk as a cut of
 * the power after each operation could have left it.
 *
 * One record: op (1 byte), inode (8), offset (8), length of path (4), length of data (4), path, data; little-endian.
 *   C create a file   M create a directory   O open a directory   T set a length (offset)   W write
 *   F synchronise     R rename to data       U remove a name      A acknowledge (data)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FDS 4096

enum kind { OTHER, RECORDED, ACKS };

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char kinds[MOST_FDS];
/* Of RECORDED descriptors: a number that was closed past this library may mean a socket by now. */
static uint64_t inodes[MOST_FDS];
/* A child between vfork and exec shares this memory, and not these descriptors. */
static pid_t owner;
static const char *root, *acks;
static int log_fd = -1;

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static ssize_t real_write(int fd, const void *bytes, size_t count) {
  REAL(write);
  return real(fd, bytes, count);
}

static void put(const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t written = real_write(log_fd, at, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) abort();
    at += written;
    count -= (size_t)written;
  }
}

static void record(char op, uint64_t inode, int64_t offset, const char *path, const void *data, size_t length) {
  uint32_t path_length = path ? (uint32_t)strlen(path) : 0, data_length = (uint32_t)length;
  char head[25];
  head[0] = op;
  memcpy(head + 1, &inode, 8);
  memcpy(head + 9, &offset, 8);
  memcpy(head + 17, &path_length, 4);
  memcpy(head + 21, &data_length, 4);
  put(head, sizeof head);
  if (path_length > 0) put(path, path_length);
  if (data_length > 0) put(data, data_length);
}

static void lock_all(void) { pthread_mutex_lock(&lock); }
static void unlock_all(void) { pthread_mutex_unlock(&lock); }
static void unlock_in_child(void) {
  owner = getpid();
  /* It is held by a thread of the parent's number, whom nobody here is. */
  lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("HEMHUB_RECORD_LOG");
  root = getenv("HEMHUB_RECORD_ROOT");
  acks = getenv("HEMHUB_RECORD_ACKS");
  if (!log || !root) return;
  owner = getpid();
  /* What another thread holds while this one forks would be held in the child for ever. */
  pthread_atfork(lock_all, unlock_all, unlock_in_child);
  REAL(open64);
  log_fd = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (getenv("HEMHUB_RECORD_STDOUT")) kinds[STDOUT_FILENO] = ACKS;
}

static int is_below(const char *path) {
  size_t length = root ? strlen(root) : 0;
  return log_fd >= 0 && path && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static uint64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

static enum kind kind_of(int fd) {
  if (fd < 0 || fd >= MOST_FDS) return OTHER;
  return kinds[fd] == RECORDED && inodes[fd] != inode_of(fd) ? OTHER : (enum kind)kinds[fd];
}

static int exists(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0;
}

static void opened(int fd, const char *path, int flags, int existed) {
  struct stat found;
  if (fd < 0 || fd >= MOST_FDS) return;
  kinds[fd] = OTHER;
  if (log_fd >= 0 && acks && strcmp(path, acks) == 0) {
    kinds[fd] = ACKS;
    return;
  }
  if (!is_below(path) || fstat(fd, &found) != 0) return;
  kinds[fd] = RECORDED;
  inodes[fd] = (uint64_t)found.st_ino;
  if (S_ISDIR(found.st_mode)) record('O', found.st_ino, 0, path, NULL, 0);
  else if (!existed) record('C', found.st_ino, 0, path, NULL, 0);
  else if ((flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY) record('T', found.st_ino, 0, path, NULL, 0);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list more; \
      va_start(more, flags); \
      mode = va_arg(more, mode_t); \
      va_end(more); \
    } \
    pthread_mutex_lock(&lock); \
    int existed = exists(path); \
    int fd = real(path, flags, mode); \
    int error = errno; \
    opened(fd, path, flags, existed); \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return fd; \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(close);
  if (getpid() != owner) return real(fd);
  pthread_mutex_lock(&lock);
  if (fd >= 0 && fd < MOST_FDS) kinds[fd] = OTHER;
  int result = real(fd);
  pthread_mutex_unlock(&lock);
  return result;
}

/* How a shell redirects. */
int dup2(int from, int to) {
  REAL(dup2);
  if (getpid() != owner) return real(from, to);
  pthread_mutex_lock(&lock);
  int result = real(from, to);
  if (result >= 0 && result < MOST_FDS) {
    kinds[result] = (char)kind_of(from);
    inodes[result] = inode_of(result);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/* Where the next write of this descriptor goes. */
static int64_t position(int fd) {
  struct stat found;
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &found) == 0) return found.st_size;
  return lseek(fd, 0, SEEK_CUR);
}

static void written(int fd, int64_t offset, const void *bytes, ssize_t count) {
  if (count <= 0) return;
  if (kind_of(fd) == ACKS) record('A', 0, 0, NULL, bytes, (size_t)count);
  if (kind_of(fd) == RECORDED) record('W', inode_of(fd), offset, NULL, bytes, (size_t)count);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (kind_of(fd) == OTHER) return real_write(fd, bytes, count);
  pthread_mutex_lock(&lock);
  int64_t offset = position(fd);
  ssize_t result = real_write(fd, bytes, count);
  int error = errno;
  written(fd, offset, bytes, result);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

#define PWRITE(name, offset_type) \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type offset) { \
    REAL(name); \
    if (kind_of(fd) == OTHER) return real(fd, bytes, count, offset); \
    pthread_mutex_lock(&lock); \
    ssize_t result = real(fd, bytes, count, offset); \
    int error = errno; \
    written(fd, offset, bytes, result); \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result; \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static void vector_written(int fd, int64_t offset, const struct iovec *parts, int count, ssize_t result) {
  for (int i = 0; i < count && result > 0; i++) {
    ssize_t length = (ssize_t)parts[i].iov_len < result ? (ssize_t)parts[i].iov_len : result;
    written(fd, offset, parts[i].iov_base, length);
    offset += length;
    result -= length;
  }
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  if (kind_of(fd) == OTHER) return real(fd, parts, count);
  pthread_mutex_lock(&lock);
  int64_t offset = position(fd);
  ssize_t result = real(fd, parts, count);
  int error = errno;
  vector_written(fd, offset, parts, count, result);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

#define PWRITEV(name, offset_type) \
  ssize_t name(int fd, const struct iovec *parts, int count, offset_type offset) { \
    REAL(name); \
    if (kind_of(fd) == OTHER) return real(fd, parts, count, offset); \
    pthread_mutex_lock(&lock); \
    ssize_t result = real(fd, parts, count, offset); \
    int error = errno; \
    vector_written(fd, offset, parts, count, result); \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result; \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define TRUNCATE(name, length_type) \
  int name(int fd, length_type length) { \
    REAL(name); \
    pthread_mutex_lock(&lock); \
    int result = real(fd, length); \
    int error = errno; \
    if (result == 0 && kind_of(fd) == RECORDED) record('T', inode_of(fd), length, NULL, NULL, 0); \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result; \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
  int name(int fd) { \
    REAL(name); \
    if (kind_of(fd) != RECORDED) return real(fd); \
    pthread_mutex_lock(&lock); \
    int result = real(fd); \
    int error = errno; \
    if (result == 0) record('F', inode_of(fd), 0, NULL, NULL, 0); \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result; \
  }
SYNC(fsync)
SYNC(fdatasync)

static int renamed(int result, const char *from, const char *to) {
  int error = errno;
  if (result == 0 && is_below(from)) record('R', 0, 0, from, to, strlen(to));
  errno = error;
  return result;
}

int rename(const char *from, const char *to) {
  REAL(rename);
  pthread_mutex_lock(&lock);
  int result = renamed(real(from, to), from, to);
  pthread_mutex_unlock(&lock);
  return result;
}

/* Programs of the shell name files from the current directory on; they are given absolute paths. */
int renameat(int from_at, const char *from, int to_at, const char *to) {
  REAL(renameat);
  pthread_mutex_lock(&lock);
  int result = renamed(real(from_at, from, to_at, to), from, to);
  pthread_mutex_unlock(&lock);
  return result;
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags) {
  REAL(renameat2);
  pthread_mutex_lock(&lock);
  int result = renamed(real(from_at, from, to_at, to, flags), from, to);
  pthread_mutex_unlock(&lock);
  return result;
}

static int removed(int result, const char *path) {
  int error = errno;
  if (result == 0 && is_below(path)) record('U', 0, 0, path, NULL, 0);
  errno = error;
  return result;
}

#define REMOVE(name) \
  int name(const char *path) { \
    REAL(name); \
    pthread_mutex_lock(&lock); \
    int result = removed(real(path), path); \
    pthread_mutex_unlock(&lock); \
    return result; \
  }
REMOVE(unlink)
REMOVE(rmdir)
REMOVE(remove)

int unlinkat(int at, const char *path, int flags) {
  REAL(unlinkat);
  pthread_mutex_lock(&lock);
  int result = removed(real(at, path, flags), path);
  pthread_mutex_unlock(&lock);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  pthread_mutex_lock(&lock);
  int result = real(path, mode);
  int error = errno;
  struct stat found;
  if (result == 0 && is_below(path) && stat(path, &found) == 0) record('M', found.st_ino, 0, path, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

/* Copies inside the kernel would go unseen: their callers fall back to reading and writing. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t count, unsigned int flags) {
  REAL(copy_file_range);
  if (kind_of(out) == OTHER) return real(in, in_at, out, out_at, count, flags);
  errno = ENOSYS;
  return -1;
}

ssize_t sendfile(int out, int in, off_t *at, size_t count) {
  ssize_t (*real)(int, int, off_t *, size_t) = (ssize_t(*)(int, int, off_t *, size_t))dlsym(RTLD_NEXT, "sendfile");
  if (kind_of(out) == OTHER) return real(out, in, at, count);
  errno = EINVAL;
  return -1;
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t count) {
  return sendfile(out, in, (off_t *)at, count);
}
