// Idle keep-alive connections: idle PORT COUNT plain|tls. One request on each, then COUNT is printed
// and they are held until the process is ended.
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count < 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  int wanted = atoi(arguments[2]), held = 0, secure = strcmp(arguments[3], "tls") == 0;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static const char request[] = "GET /1k HTTP/1.1\r\nHost: bench.example\r\n\r\n";
  char reply[4096];
  for (int index = 0; index < wanted; index++) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) break;
    size_t got = 0;
    if (secure) {
      SSL *ssl = SSL_new(context);
      SSL_set_fd(ssl, descriptor);
      if (SSL_connect(ssl) != 1 || SSL_write(ssl, request, sizeof request - 1) <= 0) break;
      while (got < 1024) {
        int part = SSL_read(ssl, reply, sizeof reply);
        if (part <= 0) break;
        got += (size_t)part;
      }
    } else {
      if (send(descriptor, request, sizeof request - 1, 0) <= 0) break;
      while (got < 1024) {
        ssize_t part = recv(descriptor, reply, sizeof reply, 0);
        if (part <= 0) break;
        got += (size_t)part;
      }
    }
    if (got < 1024) break;
    held++;
  }
  printf("%d\n", held);
  fflush(stdout);
  pause();
}
