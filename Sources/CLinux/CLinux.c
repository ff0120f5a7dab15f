#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <pthread.h>
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
