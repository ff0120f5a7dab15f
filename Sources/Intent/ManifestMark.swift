import Kubernetes

/// Marks an object with the manifest it came from, so that a manifest is applied when it changes and
/// not again at every start: what a user has changed since, as a scale, stays.
package enum ManifestMark {
  package static let annotation = "atoll.dev/manifest"

  /// The document with its own content's mark.
  package static func stamp(_ document: JSON) -> JSON {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in document.bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var stamped = document
    stamped["metadata"]["annotations"][annotation] = .string(String(value, radix: 16))
    return stamped
  }

  /// Whether `object` is what applying `stamped` made, whatever was changed of it since.
  package static func holds(_ object: JSON?, _ stamped: JSON) -> Bool {
    guard let mark = object?["metadata"]["annotations"][annotation].string else { return false }
    return mark == stamped["metadata"]["annotations"][annotation].string
  }
}
