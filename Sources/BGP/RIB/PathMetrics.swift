import NetTypes

/// What the decision compares of a set of attributes.
package struct PathMetrics: Hashable, Sendable {
  /// Told apart where AS_PATHs need to be equal for paths to be installed together.
  var asPathFingerprint: UInt64 = 0
  /// Nil: the router's default.
  var localPreference: UInt32?
  /// Nil: the AS_PATH begins with no sequence.
  var neighborAS: ASNumber?
  var originatorID: IPv4Address?
  var multiExitDiscriminator: UInt32 = 0
  var weight: UInt32 = 0
  var asPathLength: UInt16 = 0
  var clusterListLength: UInt16 = 0
  var origin = PathAttributes.Origin.igp

  init() {}

  package init(_ attributes: PathAttributes) {
    localPreference = attributes.localPreference
    neighborAS = attributes.asPath.neighborAS
    originatorID = attributes.originatorID
    // A missing MED is the lowest. RFC 4271 §9.1.2.2 c.
    multiExitDiscriminator = attributes.multiExitDiscriminator ?? 0
    weight = attributes.weight
    asPathLength = UInt16(clamping: attributes.asPath.length)
    clusterListLength = UInt16(clamping: attributes.clusterList.count)
    origin = attributes.origin
    for segment in attributes.asPath.segments {
      asPathFingerprint = (asPathFingerprint ^ UInt64(segment.kind.rawValue)).mixed
      for number in segment.numbers {
        asPathFingerprint = (asPathFingerprint ^ UInt64(number.rawValue) &+ 0x9e37_79b9).mixed
      }
    }
  }
}
