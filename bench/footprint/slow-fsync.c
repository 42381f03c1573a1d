/*
 * Preloaded into a process, makes fsync and fdatasync take HEMHUB_FSYNC_MS longer as long as the file named by
 * HEMHUB_FSYNC_SLOW exists: an SD card that tidies itself up.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_if_slow(void) {
  const char *sign = getenv("HEMHUB_FSYNC_SLOW"), *text = getenv("HEMHUB_FSYNC_MS");
  if (sign == NULL || text == NULL || access(sign, F_OK) != 0) return;
  long ms = atol(text);
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&left, NULL);
}

int fsync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_if_slow();
  return next(fd);
}

int fdatasync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_if_slow();
  return next(fd);
}
