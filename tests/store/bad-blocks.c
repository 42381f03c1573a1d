/*
 * Preloaded into a process, makes reads and writes of chosen ranges fail with EIO, as blocks of a worn card do. The file
 * named by HEMHUB_BAD_BLOCKS has one range in a line: `read INODE FROM TO` or `write INODE FROM TO`, the bytes FROM up to,
 * but not including, TO. It is read anew at each call, so that a test can change it while the process runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int is_bad(const char *what, int fd, long long from, size_t count) {
  static __thread int inside;
  const char *list = getenv("HEMHUB_BAD_BLOCKS");
  if (list == NULL || inside) return 0;
  inside = 1;
  int found = 0, error = errno;
  struct stat file;
  FILE *ranges = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) ? fopen(list, "re") : NULL;
  if (ranges != NULL) {
    char kind[16];
    unsigned long long inode;
    long long low, high;
    while (!found && fscanf(ranges, "%15s %llu %lld %lld", kind, &inode, &low, &high) == 4)
      found = strcmp(kind, what) == 0 && inode == file.st_ino && from < high && from + (long long)count > low;
    fclose(ranges);
  }
  inside = 0;
  errno = found ? EIO : error;
  return found;
}

#define AT_OFFSET(name, what, bytes_type, offset_type) \
  ssize_t name(int fd, bytes_type bytes, size_t count, offset_type offset) { \
    REAL(name); \
    return is_bad(what, fd, offset, count) ? -1 : real(fd, bytes, count, offset); \
  }
AT_OFFSET(pread, "read", void *, off_t)
AT_OFFSET(pread64, "read", void *, off64_t)
AT_OFFSET(pwrite, "write", const void *, off_t)
AT_OFFSET(pwrite64, "write", const void *, off64_t)

#define AT_POSITION(name, what, bytes_type) \
  ssize_t name(int fd, bytes_type bytes, size_t count) { \
    REAL(name); \
    if (fd > 2 && is_bad(what, fd, lseek(fd, 0, SEEK_CUR), count)) return -1; \
    return real(fd, bytes, count); \
  }
AT_POSITION(read, "read", void *)
AT_POSITION(write, "write", const void *)

/* Copies inside the kernel would go unseen: their callers fall back to reading and writing. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t count, unsigned int flags) {
  (void)in, (void)in_at, (void)out, (void)out_at, (void)count, (void)flags;
  errno = ENOSYS;
  return -1;
}

ssize_t sendfile(int out, int in, off_t *at, size_t count) {
  (void)out, (void)in, (void)at, (void)count;
  errno = EINVAL;
  return -1;
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t count) {
  (void)out, (void)in, (void)at, (void)count;
  errno = EINVAL;
  return -1;
}
