// Datagrams received and answered many at a time: recvmmsg(2) and sendmmsg(2).
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Room for datagrams that came and for their answers.
struct atoll_batch;

/// A datagram that came, and the room for its answer. Addresses are in network order, IPv4's in the
/// first four octets.
struct atoll_batch_item {
  uint8_t *query;
  size_t query_count;
  uint8_t *answer;
  /// AF_INET or AF_INET6.
  int family;
  const uint8_t *source;
  /// It did not fit the room.
  int is_cut;
};

/// `count` datagrams of at most `query_capacity` bytes with answers of at most `answer_capacity`;
/// null without memory.
struct atoll_batch *atoll_batch_make(unsigned count, size_t query_capacity, size_t answer_capacity);
void atoll_batch_free(struct atoll_batch *batch);
/// What a socket has: the number, 0 for none or an error. On a socket that blocks, waits for the first.
int atoll_batch_receive(struct atoll_batch *batch, int descriptor);
struct atoll_batch_item atoll_batch_item(struct atoll_batch *batch, unsigned index);
/// Has `answer` of item `index` be sent with `count` bytes, from the address that was asked.
void atoll_batch_answer(struct atoll_batch *batch, unsigned index, size_t count);
/// Sends the answers to what `receive` brought; what the kernel cannot send now is lost, as on the way.
/// Returns how many went.
int atoll_batch_send(struct atoll_batch *batch, int descriptor);
/// As `answer` and `send`, later and elsewhere: where item `index` is to be answered, in `way` of
/// ATOLL_WAY_SIZE bytes.
#define ATOLL_WAY_SIZE 192
size_t atoll_batch_way(struct atoll_batch *batch, unsigned index, uint8_t *way);
ssize_t atoll_send_way(int descriptor, const uint8_t *way, const void *bytes, size_t count);
