// Ends TLS and nothing else: terminator PORT CERTIFICATE KEY. What a library's handshake costs,
// without a proxy around it; bench/tls builds it with OpenSSL and, where it is installed, BoringSSL.
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count < 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
#ifndef OPENSSL_IS_BORINGSSL
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_num_tickets(context, 1);
#endif
  if (SSL_CTX_use_certificate_chain_file(context, arguments[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, arguments[3], SSL_FILETYPE_PEM) != 1)
    return 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) return 1;
  for (;;) {
    int descriptor = accept(listener, NULL, NULL);
    if (descriptor < 0) continue;
    SSL *ssl = SSL_new(context);
    char byte;
    SSL_set_fd(ssl, descriptor);
    if (SSL_accept(ssl) == 1) SSL_read(ssl, &byte, 1);
    SSL_free(ssl);
    close(descriptor);
  }
}
