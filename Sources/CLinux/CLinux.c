#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <pthread.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <spawn.h>
#include <sys/statfs.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int atoll_epoll_wait(int epoll, struct atoll_event *events, int capacity, int timeout_ms) {
  struct epoll_event batch[256];
  if (capacity > 256) capacity = 256;
  int count = epoll_wait(epoll, batch, capacity, timeout_ms);
  for (int i = 0; i < count; i++) {
    events[i].events = batch[i].events;
    events[i].token = batch[i].data.u64;
  }
  return count;
}

int atoll_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

int atoll_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int atoll_setns(int descriptor, int type) { return setns(descriptor, type); }
int atoll_unshare(int flags) { return unshare(flags); }
int atoll_set_thread_name(const char *name) { return pthread_setname_np(pthread_self(), name); }

int atoll_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t atoll_splice(int from, int to, size_t count, int more) {
  return splice(from, NULL, to, NULL, count,
                SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0));
}

int atoll_is_namespace(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 && status.f_type == NSFS_MAGIC;
}

int atoll_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int atoll_spawn_addchdir(void *actions, const char *path) {
  return posix_spawn_file_actions_addchdir_np(actions, path);
}

int atoll_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int atoll_pidfd_send_signal(int pidfd, int number) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

int atoll_punch_hole(int descriptor, off_t offset, off_t length) {
  return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

int atoll_open_in_root(int root, const char *path) {
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

int atoll_open_folder(int parent, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                         .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
  return (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
}

int atoll_spawn_closefrom(void *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
