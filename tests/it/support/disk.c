/* A simulated disk that fails on demand and logs all writes. It is loaded before the C library
 * (LD_PRELOAD) and intercepts the calls of a server on its database. Other files are not affected.
 *
 * DISK is a directory. A file in it named `full`, `quota`, `read-only` or `sync` turns this
 * failure on. Every write, truncation and sync of the database is appended to `log` there,
 * each as: kind (W, T, S), file (d, w), two zero bytes, length (4 bytes), offset (8 bytes), data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 4096
static char kinds[FILES];
static int log_file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_sync)(int);
static int (*real_data_sync)(int);
static int (*real_truncate)(int, off64_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);

__attribute__((constructor)) static void begin(void) {
  char path[4096];
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_sync = dlsym(RTLD_NEXT, "fsync");
  real_data_sync = dlsym(RTLD_NEXT, "fdatasync");
  real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  snprintf(path, sizeof path, "%s/log", getenv("DISK"));
  log_file = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ends(const char *path, const char *end) {
  size_t all = strlen(path), length = strlen(end);
  return all >= length && strcmp(path + all - length, end) == 0;
}

static char kind(int file) { return file >= 0 && file < FILES ? kinds[file] : 0; }

static int is_on(const char *failure) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("DISK"), failure);
  return access(path, F_OK) == 0;
}

static void note(char what, int file, uint64_t offset, const void *data, uint32_t length) {
  char head[16] = {what, kind(file), 0, 0};
  memcpy(head + 4, &length, 4);
  memcpy(head + 8, &offset, 8);
  if (write(log_file, head, sizeof head) != sizeof head) abort();
  if (length > 0 && write(log_file, data, length) != (ssize_t)length) abort();
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  int file = real_open(path, flags, mode);
  if (file >= 0 && file < FILES) {
    kinds[file] = ends(path, "/patio.db") ? 'd' : ends(path, "/patio.db-wal") ? 'w' : 0;
  }
  return file;
}

int close(int file) {
  if (file >= 0 && file < FILES) kinds[file] = 0;
  return real_close(file);
}

static int failure(void) {
  if (is_on("full")) return ENOSPC;
  if (is_on("quota")) return EDQUOT;
  if (is_on("read-only")) return EROFS;
  return 0;
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
  if (!kind(file)) return real_pwrite(file, data, length, offset);
  int error = failure();
  if (error) {
    errno = error;
    return -1;
  }
  pthread_mutex_lock(&lock);
  ssize_t done = real_pwrite(file, data, length, offset);
  if (done > 0) note('W', file, offset, data, done);
  pthread_mutex_unlock(&lock);
  return done;
}

int ftruncate64(int file, off64_t length) {
  if (!kind(file)) return real_truncate(file, length);
  pthread_mutex_lock(&lock);
  int done = real_truncate(file, length);
  if (done == 0) note('T', file, length, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}

static int sync_with(int (*real)(int), int file) {
  if (!kind(file)) return real(file);
  if (is_on("sync")) {
    errno = EIO;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int done = real(file);
  if (done == 0) note('S', file, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}

int fsync(int file) { return sync_with(real_sync, file); }

int fdatasync(int file) { return sync_with(real_data_sync, file); }
