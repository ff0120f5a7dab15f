#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
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

static int signal_pipe[2] = {-1, -1};

static void pass_signal_on(int number) {
  int kept = errno;
  unsigned char byte = (unsigned char)number;
  // A full pipe has events enough.
  ssize_t written = write(signal_pipe[1], &byte, 1);
  (void)written;
  errno = kept;
}

int atoll_catch_signals(const int *numbers, int count) {
  if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  struct sigaction action = {.sa_handler = pass_signal_on, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < count; i++)
    if (sigaction(numbers[i], &action, NULL) != 0) return -1;
  return signal_pipe[0];
}

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

int atoll_open_router_discovery(int interface_index) {
  int descriptor = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  if (descriptor < 0) return -1;
  int on = 1, off = 0, limit = 255;
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
  ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
  struct ipv6_mreq group = {.ipv6mr_interface = interface_index};
  inet_pton(AF_INET6, "ff02::2", &group.ipv6mr_multiaddr);
  char name[IF_NAMESIZE];
  if (!if_indextoname(interface_index, name) ||
      setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name) + 1) ||
      setsockopt(descriptor, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) ||
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on) ||
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &limit, sizeof limit) ||
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &limit, sizeof limit) ||
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off) ||
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof group)) {
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
  }
  return descriptor;
}

ssize_t atoll_receive_router_discovery(
    int descriptor, void *buffer, size_t capacity, uint8_t sender[16], int *hop_limit) {
  struct sockaddr_in6 from;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {buffer, capacity};
  struct msghdr message = {
      .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
      .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(descriptor, &message, 0);
  if (count < 0) return -1;
  *hop_limit = -1;
  for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item))
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_HOPLIMIT)
      memcpy(hop_limit, CMSG_DATA(item), sizeof(int));
  memcpy(sender, &from.sin6_addr, 16);
  return count;
}

ssize_t atoll_send_router_discovery(
    int descriptor, const void *message, size_t length, const uint8_t destination[16],
    int interface_index) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = interface_index};
  memcpy(&to.sin6_addr, destination, 16);
  return sendto(descriptor, message, length, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
}
