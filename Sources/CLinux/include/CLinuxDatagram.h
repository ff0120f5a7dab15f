// Datagrams with what the kernel knows of their way, and waiting to the nanosecond.
#pragma once
#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

/// How a datagram came. Addresses are in network order, IPv4's in the first four octets.
struct atoll_arrival {
  /// AF_INET or AF_INET6.
  int family;
  uint8_t source[16];
  uint8_t destination[16];
  uint16_t source_port;
  uint32_t interface;
  /// TTL or hop limit; -1 where the socket was not asked to tell.
  int time_to_live;
};

/// recvmsg(2) without waiting, on a socket with IP_PKTINFO and IP_RECVTTL, or their IPv6 forms.
ssize_t atoll_receive_datagram(int descriptor, void *buffer, size_t capacity,
                               struct atoll_arrival *arrival);
/// ppoll(2); a negative timeout waits for ever.
int atoll_poll(struct pollfd *descriptors, unsigned long count, int64_t timeout_nanoseconds);
