/*
 * For LD_PRELOAD into btvirt (BlueZ 5.66), which has two needs that a test machine may not meet:
 *  - it refuses every client when the kernel has no AF_ALG (CONFIG_CRYPTO_USER_API), although only the HCI command
 *    LE Encrypt uses it, which no host under test sends: such sockets are stand-ins here;
 *  - its server sockets have fixed names below /tmp, so that two test runs would take each other's: their names are
 *    moved into the folder in BTVIRT_FOLDER.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef AF_ALG
#define AF_ALG 38
#endif

static const char fixed[] = "/tmp/bt-server-";

static const char *moved(const char *path, char *buffer, size_t size)
{
	const char *folder = getenv("BTVIRT_FOLDER");

	if (!folder || strncmp(path, fixed, sizeof(fixed) - 1))
		return path;
	snprintf(buffer, size, "%s/%s", folder, path + sizeof(fixed) - 1);
	return buffer;
}

int socket(int domain, int type, int protocol)
{
	int (*next)(int, int, int) = dlsym(RTLD_NEXT, "socket");

	return domain == AF_ALG ? open("/dev/null", O_RDWR | O_CLOEXEC) : next(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");

	if (address->sa_family == AF_ALG)
		return 0;
	if (address->sa_family == AF_UNIX) {
		struct sockaddr_un there = { .sun_family = AF_UNIX };
		const char *path = ((const struct sockaddr_un *) address)->sun_path;
		char buffer[sizeof(there.sun_path)];

		snprintf(there.sun_path, sizeof(there.sun_path), "%s", moved(path, buffer, sizeof(buffer)));
		return next(fd, (struct sockaddr *) &there, sizeof(there));
	}
	return next(fd, address, length);
}

int unlink(const char *path)
{
	int (*next)(const char *) = dlsym(RTLD_NEXT, "unlink");
	char buffer[256];

	return next(moved(path, buffer, sizeof(buffer)));
}
