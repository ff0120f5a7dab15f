#pragma once
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

// What OpenSSL has as macros or variadic functions, which Swift cannot import.

static inline EVP_PKEY *atoll_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline int atoll_ssl_minimum_tls12(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

/// Writes may be taken in parts and retried from a buffer that has moved.
static inline void atoll_ssl_non_blocking_mode(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
}

static inline int atoll_ssl_set_server_name(SSL *ssl, const char *name) {
  return SSL_set_tlsext_host_name(ssl, (char *)name) == 1;
}

static inline int atoll_ssl_add_chain(SSL_CTX *context, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

static inline int atoll_bio_bytes(BIO *bio, const char **bytes) {
  return (int)BIO_get_mem_data(bio, (char **)bytes);
}

static inline int atoll_is_end_of_pem(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static int atoll_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *length,
                             const unsigned char *offered, unsigned int count, void *argument) {
  static const unsigned char http11[] = "\x08http/1.1";
  (void)ssl;
  (void)argument;
  if (SSL_select_next_proto((unsigned char **)out, length, http11, 9, offered, count) ==
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_OK;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Agrees on http/1.1 with a client that offers a list, and refuses a list without it.
static inline void atoll_ssl_serve_http11(SSL_CTX *context) {
  SSL_CTX_set_alpn_select_cb(context, atoll_alpn_select, NULL);
}

// A BIO over a non-blocking socket: unlike OpenSSL's own it raises no SIGPIPE.

static int atoll_bio_descriptor(BIO *bio) { return (int)(long)BIO_get_data(bio); }

static int atoll_bio_write(BIO *bio, const char *bytes, int count) {
  BIO_clear_retry_flags(bio);
  int result;
  do {
    result = (int)send(atoll_bio_descriptor(bio), bytes, (size_t)count, MSG_NOSIGNAL);
  } while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_write(bio);
  return result;
}

static int atoll_bio_read(BIO *bio, char *bytes, int count) {
  BIO_clear_retry_flags(bio);
  int result;
  do {
    result = (int)recv(atoll_bio_descriptor(bio), bytes, (size_t)count, 0);
  } while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
  if (result == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return result;
}

static long atoll_bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  default: return 0;
  }
}

/// The method of such BIOs; one serves the whole process.
static inline BIO_METHOD *atoll_bio_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "atoll socket");
  if (!method) return NULL;
  BIO_meth_set_write(method, atoll_bio_write);
  BIO_meth_set_read(method, atoll_bio_read);
  BIO_meth_set_ctrl(method, atoll_bio_control);
  return method;
}

/// Lets `ssl` speak over `descriptor`, which it does not own.
static inline int atoll_ssl_attach(SSL *ssl, const BIO_METHOD *method, int descriptor) {
  BIO *bio = BIO_new(method);
  if (!bio) return 0;
  BIO_set_data(bio, (void *)(long)descriptor);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return 1;
}

static inline void atoll_free(void *memory) { OPENSSL_free(memory); }
