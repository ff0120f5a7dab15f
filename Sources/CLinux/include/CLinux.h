// Linux system interfaces that Glibc's module map leaves out, and the macros Swift cannot import.
#pragma once
#include "CLinuxBatch.h"
#include "CLinuxDatagram.h"
#include "CLinuxPassing.h"

#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>

// _GNU_SOURCE is defined in CLinux.c only: here it would make these headers differ from Glibc's module.

/// epoll_event is packed on x86-64, which Swift's importer drops; these keep the layout in C.
struct atoll_event {
  uint32_t events;
  uint64_t token;
};

/// As epoll_wait(2), into plain structs. `capacity` is capped at 256.
int atoll_epoll_wait(int epoll, struct atoll_event *events, int capacity, int timeout_ms);
/// As epoll_ctl(2) with `token` as the event's data.
int atoll_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);
/// pidfd_open(2).
int atoll_pidfd_open(pid_t pid);
/// setns(2) and unshare(2), for toolchains whose Glibc module hides them.
int atoll_setns(int descriptor, int type);
int atoll_unshare(int flags);
/// pthread_setname_np(3) of the calling thread; at most 15 bytes.
int atoll_set_thread_name(const char *name);
/// accept4(2) without the peer's address, non-blocking and close-on-exec.
int atoll_accept(int listener);
/// splice(2) between descriptors without offsets, non-blocking, moving pages.
ssize_t atoll_splice(int from, int to, size_t count, int more);
/// SEEK_DATA of lseek(2), hidden without _GNU_SOURCE.
#define ATOLL_SEEK_DATA 3
/// CLONE_NEWNET of clone(2).
#define ATOLL_CLONE_NEWNET 0x40000000
#define ATOLL_CLONE_NEWNS 0x00020000
/// 1 if `path` is a bound namespace (a file of nsfs), 0 if not or if it is not there.
int atoll_is_namespace(const char *path);
/// prctl(2), PR_SET_CHILD_SUBREAPER.
int atoll_become_subreaper(void);
/// posix_spawn_file_actions_addchdir_np(3) on a `posix_spawn_file_actions_t`.
int atoll_spawn_addchdir(void *actions, const char *path);
/// posix_spawn_file_actions_addclosefrom_np(3): closes `first` and every descriptor above it.
int atoll_spawn_closefrom(void *actions, int first);
/// pipe2(2), close-on-exec.
int atoll_pipe(int ends[2]);
/// Has `count` signals write their numbers, a byte each, into a pipe that does not block; returns the
/// end to read, the same one each time, or -1 with errno.
int atoll_catch_signals(const int *numbers, int count);
/// pidfd_send_signal(2).
int atoll_pidfd_send_signal(int pidfd, int number);
/// fallocate(2), FALLOC_FL_PUNCH_HOLE: frees the bytes' blocks, the file's size stays.
int atoll_punch_hole(int descriptor, off_t offset, off_t length);
/// openat2(2) for reading, with links resolved as if `root` were the root of the file system.
int atoll_open_in_root(int root, const char *path);
/// openat2(2) of a folder below `parent`: EXDEV where another file system or a bind mount begins.
int atoll_open_folder(int parent, const char *name);
/// A packet(7) socket of one interface that does not block, with PACKET_VNET_HDR and without what
/// leaves by it. -1 with errno.
int atoll_open_packets(int interface_index);
/// A raw ICMPv6 socket (RFC 3542) on one interface: advertisements and solicitations of routers only,
/// sent with a hop limit of 255 and not looped back; member of ff02::2. -1 with errno.
int atoll_open_router_discovery(int interface_index);
/// One message of such a socket: its length, its sender (16 octets) and its hop limit. -1 with errno.
ssize_t atoll_receive_router_discovery(
    int descriptor, void *buffer, size_t capacity, uint8_t sender[16], int *hop_limit);
/// To a link-local destination on the socket's interface.
ssize_t atoll_send_router_discovery(
    int descriptor, const void *message, size_t length, const uint8_t destination[16],
    int interface_index);
