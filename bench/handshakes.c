// New TLS connections in a row: handshakes PORT SECONDS [GROUP] -> how many, and the p99 in µs.
// Nothing is resumed and nothing is sent; each is closed by a reset, so that ports come free again.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
  return *(const unsigned *)a < *(const unsigned *)b ? -1 : 1;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set1_groups_list(context, count > 3 ? arguments[3] : "X25519");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  unsigned *times = calloc(1 << 20, sizeof *times);
  size_t done = 0;
  double end = now() + atof(arguments[2]);
  while (now() < end && done < 1 << 20) {
    double start = now();
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct linger reset = {1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    SSL *ssl = SSL_new(context);
    SSL_set_tlsext_host_name(ssl, "bench.example");
    SSL_set_fd(ssl, descriptor);
    if (SSL_connect(ssl) != 1) return 1;
    SSL_free(ssl);
    close(descriptor);
    times[done++] = (unsigned)((now() - start) * 1e6);
  }
  qsort(times, done, sizeof *times, by_value);
  printf("%zu %u\n", done, times[done * 99 / 100]);
}
