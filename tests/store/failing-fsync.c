/*
 * Preloaded into a process, makes fsync and fdatasync fail with EIO as long as the file named by HEMHUB_FSYNC_FAILS
 * exists: a disk that reports that it could not keep what it was given.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
  const char *sign = getenv("HEMHUB_FSYNC_FAILS");
  if (sign == NULL || access(sign, F_OK) != 0) return 0;
  errno = EIO;
  return 1;
}

int fsync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return fails() ? -1 : next(fd);
}

int fdatasync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return fails() ? -1 : next(fd);
}
