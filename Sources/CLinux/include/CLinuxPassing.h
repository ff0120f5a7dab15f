// Descriptors passed between processes over a Unix socket, unix(7) SCM_RIGHTS.
#pragma once
#include <sys/types.h>

/// What the kernel takes in one message.
#define ATOLL_PASSING_LIMIT 250

/// sendmsg(2) of one packet with `count` descriptors, at most ATOLL_PASSING_LIMIT. -1 with errno.
ssize_t atoll_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors,
                               int count);
/// recvmsg(2) of one packet; descriptors come close-on-exec, `count` says how many there is room for
/// and then how many came. 0 at the end, -1 with errno.
ssize_t atoll_receive_descriptors(int socket, void *bytes, size_t capacity, int *descriptors,
                                  int *count);
