/// An answer being written.
struct Reply {
  /// Octets written.
  var end: Int
  /// Octets that the sections may reach; what the OPT record takes is kept free behind.
  let limit: Int
  var answers: UInt16 = 0
  var authority: UInt16 = 0
  var additional: UInt16 = 0
  var isAuthoritative = false
  var isTruncated = false
  var responseCode: UInt16 = 0
  /// RFC 8914; nil: none.
  var extendedError: UInt16?
  /// Bits of the client's subnet that the answer holds for. RFC 7871 §7.2.1.
  var scope = 0
  var isDropped = false

  init(end: Int, limit: Int) {
    self.end = end
    self.limit = limit
  }

  /// Nothing but the question. RFC 2181 §9.
  mutating func truncate(to end: Int) {
    self.end = end
    isTruncated = true
    (answers, authority, additional) = (0, 0, 0)
  }
}
