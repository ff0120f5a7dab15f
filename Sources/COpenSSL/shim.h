#pragma once
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

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

// The data plane: one BIO for each of its threads, which stands for one connection at a time.

/// The connection whose call into OpenSSL is under way, and what the call made of it.
struct atoll_tls_io {
  int descriptor;
  /// recv(2) may have something; cleared by one that comes short.
  int readable;
  /// The peer has shut its side: a short read has not emptied the socket.
  int peer_closed;
  int ended;
  /// More follows the next write at once: TCP may hold it back (MSG_MORE).
  int more;
  /// errno of a call that failed.
  int failure;
  /// A session that the server offers for resumption; the caller frees it.
  SSL_SESSION *session;
};

static int atoll_io_write(BIO *bio, const char *bytes, int count) {
  struct atoll_tls_io *io = (struct atoll_tls_io *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t sent;
  do {
    sent = send(io->descriptor, bytes, (size_t)count, MSG_NOSIGNAL | (io->more ? MSG_MORE : 0));
  } while (sent < 0 && errno == EINTR);
  io->more = 0;
  if (sent >= 0) return (int)sent;
  if (errno == EAGAIN) BIO_set_retry_write(bio);
  else io->failure = errno;
  return -1;
}

static int atoll_io_read(BIO *bio, char *bytes, int count) {
  struct atoll_tls_io *io = (struct atoll_tls_io *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (!io->readable) {
    if (io->ended) return 0;
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t received;
  do {
    received = recv(io->descriptor, bytes, (size_t)count, 0);
  } while (received < 0 && errno == EINTR);
  if (received > 0) {
    if (received < count && !io->peer_closed) io->readable = 0;
    return (int)received;
  }
  io->readable = 0;
  if (received == 0) {
    io->ended = 1;
    return 0;
  }
  if (errno == EAGAIN) BIO_set_retry_read(bio);
  else io->failure = errno;
  return -1;
}

static long atoll_io_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  struct atoll_tls_io *io = (struct atoll_tls_io *)BIO_get_data(bio);
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case BIO_CTRL_EOF: return io->ended;
  default: return 0;
  }
}

static inline BIO *atoll_io_bio(struct atoll_tls_io *io) {
  BIO_METHOD *own = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "atoll worker");
  if (!own) return NULL;
  BIO_meth_set_write(own, atoll_io_write);
  BIO_meth_set_read(own, atoll_io_read);
  BIO_meth_set_ctrl(own, atoll_io_control);
  BIO *bio = BIO_new(own);
  if (!bio) return NULL;
  BIO_set_data(bio, io);
  BIO_set_init(bio, 1);
  return bio;
}

/// Lets `ssl` share `bio` with others of its thread.
static inline void atoll_io_attach(SSL *ssl, BIO *bio) {
  BIO_up_ref(bio);
  SSL_set_bio(ssl, bio, bio);
}

/// Keeps a session that the server offers in the worker's hands.
static int atoll_io_session(SSL *ssl, SSL_SESSION *session) {
  struct atoll_tls_io *io = (struct atoll_tls_io *)BIO_get_data(SSL_get_rbio(ssl));
  if (io->session) SSL_SESSION_free(io->session);
  io->session = session;
  return 1;
}

/// What both sides of the data plane want of a context.
static inline void atoll_data_plane_context(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

static inline void atoll_without_session_cache(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

/// Client side: sessions go to the worker, by member.
static inline void atoll_sessions_to_worker(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, atoll_io_session);
}

static inline int atoll_set_versions(SSL_CTX *context, int minimum, int maximum) {
  return SSL_CTX_set_min_proto_version(context, minimum) == 1 &&
         SSL_CTX_set_max_proto_version(context, maximum) == 1;
}

static inline int atoll_set_groups(SSL_CTX *context, const char *names) {
  return SSL_CTX_set1_groups_list(context, names) == 1;
}

static inline int atoll_context_index(CRYPTO_EX_free *release) {
  return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL, NULL, NULL, release);
}

static inline void atoll_set_server_name_callback(SSL_CTX *context,
                                                  int (*callback)(SSL *, int *, void *)) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
}

static inline void atoll_set_ticket_callback(
    SSL_CTX *context, int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *,
                                      EVP_MAC_CTX *, int)) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

/// A ticket's cipher and MAC under one key: AES-256-CBC and HMAC-SHA-256, RFC 5077 §4.
static inline int atoll_ticket_init(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                                    const EVP_CIPHER *algorithm, const unsigned char *key,
                                    const unsigned char *vector, int encrypts) {
  OSSL_PARAM parameters[3];
  parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(key + 32), 32);
  parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"sha256", 0);
  parameters[2] = OSSL_PARAM_construct_end();
  return EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
         EVP_CipherInit_ex2(cipher, algorithm, key, vector, encrypts, NULL) == 1;
}

static inline int atoll_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

/// SHA-256 of a certificate, and its subject as RFC 2253 text, which the caller frees.
static inline char *atoll_certificate_subject(X509 *certificate, unsigned char digest[32]) {
  unsigned int length = 0;
  X509_digest(certificate, EVP_sha256(), digest, &length);
  BIO *bio = BIO_new(BIO_s_mem());
  if (!bio) return NULL;
  X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char *bytes = NULL;
  long count = BIO_get_mem_data(bio, &bytes);
  char *text = count >= 0 ? OPENSSL_strndup(bytes, (size_t)count) : NULL;
  BIO_free(bio);
  return text;
}

/// Hands the DNS names of a certificate to `take`: its SANs, or its common name without any.
static inline void atoll_dns_names(X509 *certificate, void *argument,
                                   void (*take)(void *, const unsigned char *, int)) {
  GENERAL_NAMES *names =
      (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  int found = 0;
  for (int index = 0; names && index < sk_GENERAL_NAME_num(names); index++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != GEN_DNS) continue;
    found = 1;
    take(argument, ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName));
  }
  GENERAL_NAMES_free(names);
  if (found) return;
  char common[256];
  int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common,
                                         sizeof common);
  if (length > 0) take(argument, (const unsigned char *)common, length);
}

static inline void atoll_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
  SSL_CTX_set_tlsext_status_cb(context, callback);
}

/// Sends an OCSP response with the certificate, RFC 6066 §8. OpenSSL frees what it gets.
static inline int atoll_staple(SSL *ssl, const unsigned char *bytes, long count) {
  unsigned char *copy = OPENSSL_memdup(bytes, (size_t)count);
  return copy != NULL && SSL_set_tlsext_status_ocsp_resp(ssl, copy, count) == 1;
}

/// Until when an OCSP response says that a certificate is good, seconds since 1970; LONG_MAX where it
/// does not say, -1 if it says no such thing.
static inline long atoll_ocsp_good_until(const unsigned char *bytes, long count, X509 *certificate) {
  long until = -1;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, count);
  OCSP_BASICRESP *basic = NULL;
  if (response != NULL && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
    basic = OCSP_response_get1_basic(response);
  for (int index = 0; basic != NULL && index < OCSP_resp_count(basic); index++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, index);
    ASN1_INTEGER *serial = NULL;
    ASN1_GENERALIZEDTIME *next = NULL;
    struct tm time;
    OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
    if (serial == NULL || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0) continue;
    if (OCSP_single_get0_status(single, NULL, NULL, NULL, &next) != V_OCSP_CERTSTATUS_GOOD) continue;
    until = LONG_MAX;
    if (next != NULL) until = ASN1_TIME_to_tm(next, &time) == 1 ? (long)timegm(&time) : -1;
  }
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  return until;
}
