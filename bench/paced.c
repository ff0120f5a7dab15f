// Requests at a steady pace, whatever becomes of those before: paced PORT RATE COUNT. Each waits for an
// answer on a keep-alive connection of its own, for at most 5 s. Prints how many failed (another status
// than 200, or no whole answer), how many took more than 100 ms from when they were due, and the longest
// in milliseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4000 };
static struct {
  int descriptor, busy;
  double due;
  size_t got;
  char reply[4096];
} connection[CONNECTIONS];
static struct pollfd polled[CONNECTIONS];
static int failed, stalled, finished;
static double longest;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void end(int index, int isGood, int isOpen) {
  double took = now() - connection[index].due;
  if (!isGood) failed++;
  if (took > 0.1) stalled++;
  if (took > longest) longest = took;
  finished++;
  connection[index].busy = 0;
  if (isOpen) return;
  close(connection[index].descriptor);
  connection[index].descriptor = -1;
}

static void begin(double due, struct sockaddr_in *address) {
  static const char request[] = "GET /1k HTTP/1.1\r\nHost: bench.example\r\n\r\n";
  int index = 0;
  while (index < CONNECTIONS - 1 && (connection[index].busy || connection[index].descriptor < 0)) index++;
  if (connection[index].busy || connection[index].descriptor < 0)
    for (index = 0; index < CONNECTIONS - 1 && connection[index].busy;) index++;
  connection[index].due = due;
  connection[index].got = 0;
  connection[index].busy = 1;
  if (connection[index].descriptor < 0) {
    int on = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
    connection[index].descriptor = descriptor;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(descriptor, (struct sockaddr *)address, sizeof *address) != 0) return end(index, 0, 0);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  if (send(connection[index].descriptor, request, sizeof request - 1, MSG_NOSIGNAL) < 0) end(index, 0, 0);
}

static void receive(int index) {
  char *reply = connection[index].reply;
  size_t got = connection[index].got;
  ssize_t part = recv(connection[index].descriptor, reply + got, sizeof connection[index].reply - 1 - got, 0);
  if (part <= 0) return end(index, 0, 0);
  connection[index].got = got += (size_t)part;
  reply[got] = 0;
  char *head = strstr(reply, "\r\n\r\n"), *length = strcasestr(reply, "\r\ncontent-length:");
  if (!head || !length || got < (size_t)(head + 4 - reply) + strtoul(length + 17, 0, 10)) return;
  char *closes = strcasestr(reply, "\r\nconnection: close");
  end(index, strncmp(reply + 9, "200", 3) == 0, !closes || closes > head);
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  double rate = atof(arguments[2]), start = now();
  int wanted = atoi(arguments[3]), begun = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int index = 0; index < CONNECTIONS; index++) connection[index].descriptor = -1;
  while (finished < wanted) {
    for (; begun < wanted && start + begun / rate <= now(); begun++) begin(start + begun / rate, &address);
    for (int index = 0; index < CONNECTIONS; index++) {
      polled[index].fd = connection[index].descriptor;
      polled[index].events = POLLIN;
      if (connection[index].busy && now() - connection[index].due > 5) end(index, 0, 0);
    }
    poll(polled, CONNECTIONS, 1);
    for (int index = 0; index < CONNECTIONS; index++) {
      if (polled[index].fd < 0 || !polled[index].revents || connection[index].descriptor != polled[index].fd) continue;
      if (connection[index].busy) {
        receive(index);
      } else {
        // Closed between two requests.
        close(connection[index].descriptor);
        connection[index].descriptor = -1;
      }
    }
  }
  printf("%d %d %.1f\n", failed, stalled, longest * 1000);
}
