#define _GNU_SOURCE
#include "CLinuxDatagram.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

ssize_t atoll_receive_datagram(int descriptor, void *buffer, size_t capacity,
                               struct atoll_arrival *arrival) {
  struct sockaddr_storage source;
  union {
    struct cmsghdr header;
    char space[256];
  } control;
  struct iovec part = {.iov_base = buffer, .iov_len = capacity};
  struct msghdr message = {.msg_name = &source,
                           .msg_namelen = sizeof source,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t count = recvmsg(descriptor, &message, MSG_DONTWAIT);
  if (count < 0) return count;
  memset(arrival, 0, sizeof *arrival);
  arrival->time_to_live = -1;
  arrival->family = source.ss_family;
  if (source.ss_family == AF_INET) {
    struct sockaddr_in *address = (struct sockaddr_in *)&source;
    memcpy(arrival->source, &address->sin_addr, 4);
    arrival->source_port = ntohs(address->sin_port);
  } else if (source.ss_family == AF_INET6) {
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)&source;
    memcpy(arrival->source, &address->sin6_addr, 16);
    arrival->source_port = ntohs(address->sin6_port);
  }
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
      memcpy(&arrival->time_to_live, CMSG_DATA(c), sizeof(int));
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
      memcpy(&arrival->time_to_live, CMSG_DATA(c), sizeof(int));
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo information;
      memcpy(&information, CMSG_DATA(c), sizeof information);
      memcpy(arrival->destination, &information.ipi_addr, 4);
      arrival->interface = (uint32_t)information.ipi_ifindex;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo information;
      memcpy(&information, CMSG_DATA(c), sizeof information);
      memcpy(arrival->destination, &information.ipi6_addr, 16);
      arrival->interface = information.ipi6_ifindex;
    }
  }
  return count;
}

int atoll_poll(struct pollfd *descriptors, unsigned long count, int64_t timeout_nanoseconds) {
  struct timespec timeout = {.tv_sec = timeout_nanoseconds / 1000000000,
                             .tv_nsec = timeout_nanoseconds % 1000000000};
  return ppoll(descriptors, count, timeout_nanoseconds < 0 ? NULL : &timeout, NULL);
}
