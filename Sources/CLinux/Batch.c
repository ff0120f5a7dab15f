#define _GNU_SOURCE
#include "CLinuxBatch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/// Of IP_PKTINFO in its longer form.
#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))

/// The source of a datagram and, of a socket with IP_PKTINFO, the address that it was sent to.
struct way {
  struct sockaddr_storage peer;
  socklen_t peer_length;
  size_t control_length;
  _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
};
_Static_assert(sizeof(struct way) <= ATOLL_WAY_SIZE, "a way fits its room");

struct atoll_batch {
  unsigned capacity, received, answered;
  size_t query_capacity, answer_capacity;
  struct mmsghdr *in, *out;
  struct iovec *in_parts, *out_parts;
  struct sockaddr_storage *peers;
  uint8_t *controls, *queries, *answers;
};

struct atoll_batch *atoll_batch_make(unsigned count, size_t query_capacity,
                                     size_t answer_capacity) {
  struct atoll_batch *batch = calloc(1, sizeof *batch);
  if (!batch) return NULL;
  batch->capacity = count;
  batch->query_capacity = query_capacity;
  batch->answer_capacity = answer_capacity;
  batch->in = calloc(count, sizeof *batch->in);
  batch->out = calloc(count, sizeof *batch->out);
  batch->in_parts = calloc(count, sizeof *batch->in_parts);
  batch->out_parts = calloc(count, sizeof *batch->out_parts);
  batch->peers = calloc(count, sizeof *batch->peers);
  batch->controls = calloc(count, CONTROL_SIZE);
  batch->queries = malloc(count * query_capacity);
  batch->answers = malloc(count * answer_capacity);
  if (!batch->in || !batch->out || !batch->in_parts || !batch->out_parts || !batch->peers ||
      !batch->controls || !batch->queries || !batch->answers) {
    atoll_batch_free(batch);
    return NULL;
  }
  for (unsigned i = 0; i < count; i++) {
    batch->in_parts[i].iov_base = batch->queries + i * query_capacity;
    batch->in_parts[i].iov_len = query_capacity;
    struct msghdr *header = &batch->in[i].msg_hdr;
    header->msg_iov = &batch->in_parts[i];
    header->msg_iovlen = 1;
    header->msg_name = &batch->peers[i];
    header->msg_namelen = sizeof *batch->peers;
    header->msg_control = batch->controls + i * CONTROL_SIZE;
    header->msg_controllen = CONTROL_SIZE;
  }
  return batch;
}

void atoll_batch_free(struct atoll_batch *batch) {
  free(batch->in);
  free(batch->out);
  free(batch->in_parts);
  free(batch->out_parts);
  free(batch->peers);
  free(batch->controls);
  free(batch->queries);
  free(batch->answers);
  free(batch);
}

int atoll_batch_receive(struct atoll_batch *batch, int descriptor) {
  // The kernel wrote over these of what came last.
  for (unsigned i = 0; i < batch->received; i++) {
    batch->in[i].msg_hdr.msg_namelen = sizeof *batch->peers;
    batch->in[i].msg_hdr.msg_controllen = CONTROL_SIZE;
  }
  int count;
  // What came of an earlier answer, as ECONNREFUSED, shows here once.
  do count = recvmmsg(descriptor, batch->in, batch->capacity, MSG_WAITFORONE, NULL);
  while (count < 0 && (errno == EINTR || errno == ECONNREFUSED));
  batch->received = count > 0 ? (unsigned)count : 0;
  batch->answered = 0;
  return (int)batch->received;
}

struct atoll_batch_item atoll_batch_item(struct atoll_batch *batch, unsigned index) {
  struct msghdr *header = &batch->in[index].msg_hdr;
  struct atoll_batch_item item = {
      .query = batch->in_parts[index].iov_base,
      .query_count = batch->in[index].msg_len,
      .answer = batch->answers + index * batch->answer_capacity,
      .family = batch->peers[index].ss_family,
      .is_cut = (header->msg_flags & MSG_TRUNC) != 0,
  };
  if (item.family == AF_INET) {
    struct sockaddr_in *peer = (struct sockaddr_in *)&batch->peers[index];
    item.source = (const uint8_t *)&peer->sin_addr;
  } else {
    struct sockaddr_in6 *peer = (struct sockaddr_in6 *)&batch->peers[index];
    item.source = (const uint8_t *)&peer->sin6_addr;
  }
  return item;
}

/// The address that was asked becomes the one that answers; which way it leaves is routing's to say.
static void turn(struct msghdr *header) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      ((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo *information = (struct in6_pktinfo *)CMSG_DATA(c);
      if (!IN6_IS_ADDR_LINKLOCAL(&information->ipi6_addr)) information->ipi6_ifindex = 0;
    }
  }
}

void atoll_batch_answer(struct atoll_batch *batch, unsigned index, size_t count) {
  unsigned slot = batch->answered++;
  batch->out_parts[slot].iov_base = batch->answers + index * batch->answer_capacity;
  batch->out_parts[slot].iov_len = count;
  struct msghdr *header = &batch->out[slot].msg_hdr;
  *header = batch->in[index].msg_hdr;
  header->msg_iov = &batch->out_parts[slot];
  header->msg_iovlen = 1;
  header->msg_flags = 0;
  if (header->msg_controllen == 0) header->msg_control = NULL;
  else turn(header);
}

int atoll_batch_send(struct atoll_batch *batch, int descriptor) {
  unsigned sent = 0;
  int went = 0;
  while (sent < batch->answered) {
    int count =
        sendmmsg(descriptor, batch->out + sent, batch->answered - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      sent += (unsigned)count;
      went += count;
    } else if (errno != EINTR) {
      sent += 1;
    }
  }
  batch->answered = 0;
  return went;
}

size_t atoll_batch_way(struct atoll_batch *batch, unsigned index, uint8_t *bytes) {
  struct way *way = (struct way *)bytes;
  struct msghdr *header = &batch->in[index].msg_hdr;
  memset(way, 0, sizeof *way);
  memcpy(&way->peer, header->msg_name, sizeof way->peer);
  way->peer_length = header->msg_namelen;
  if (header->msg_controllen > 0 && header->msg_controllen <= sizeof way->control) {
    turn(header);
    way->control_length = header->msg_controllen;
    memcpy(way->control, header->msg_control, header->msg_controllen);
  }
  return sizeof *way;
}

ssize_t atoll_send_way(int descriptor, const uint8_t *bytes, const void *answer, size_t count) {
  struct way way;
  memcpy(&way, bytes, sizeof way);
  struct iovec part = {.iov_base = (void *)answer, .iov_len = count};
  struct msghdr message = {.msg_name = &way.peer,
                           .msg_namelen = way.peer_length,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = way.control_length ? way.control : NULL,
                           .msg_controllen = way.control_length};
  return sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}
