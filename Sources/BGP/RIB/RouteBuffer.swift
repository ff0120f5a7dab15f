import NetTypes
import Wire

/// Collects what one flush tells a group of one family, and packs it into UPDATE messages: routes
/// with the same attributes share them, however they came in. No route takes an allocation.
struct RouteBuffer<Key: PrefixKey>: Sendable {
  /// Routes of one message: the same attributes, for the same members.
  private struct BucketKey: Hashable, Sendable {
    var attributes: AttributeID
    var source: PeerIndex
    var nextHopOwner: PeerIndex
  }

  private struct Bucket: Sendable {
    let key: BucketKey
    var first: Int
    var last: Int
  }

  private struct Route: Sendable {
    var key: Key
    var identifier: UInt32
    /// The bucket's next route; -1 ends it.
    var next = -1
  }

  private var routes: [Route] = []
  private var buckets: [Bucket] = []
  private var index: [BucketKey: Int] = [:]
  private var withdrawn: [Route] = []

  var isEmpty: Bool { buckets.isEmpty && withdrawn.isEmpty }

  mutating func withdraw(_ key: Key, _ identifier: UInt32) {
    withdrawn.append(Route(key: key, identifier: identifier))
  }

  mutating func announce(_ key: Key, _ identifier: UInt32, _ entry: AdjRIBOut.Entry) {
    let bucketKey = BucketKey(
      attributes: entry.attributes, source: entry.source, nextHopOwner: entry.nextHopOwner)
    let position = routes.count
    routes.append(Route(key: key, identifier: identifier))
    // Neighbours in the table often share their attributes.
    let known = buckets.last?.key == bucketKey ? buckets.count - 1 : index[bucketKey]
    guard let known else {
      index[bucketKey] = buckets.count
      buckets.append(Bucket(key: bucketKey, first: position, last: position))
      return
    }
    routes[buckets[known].last].next = position
    buckets[known].last = position
  }

  /// What is to be sent, in this order; withdrawals first. Routes are left out whose attributes alone
  /// fill a message.
  func encoded(
    _ attributes: AttributeTable, _ options: CodecOptions
  ) -> (batches: [EncodedRoutes], leavesOut: Bool) {
    let encoder = RouteEncoder(family: Key.family, options: options)
    var batches: [EncodedRoutes] = []
    var leavesOut = false
    if !withdrawn.isEmpty {
      var batch = EncodedRoutes(source: .local, nextHopOwner: .local)
      var position = 0
      while position < withdrawn.count {
        encoder.writeWithdrawal(into: &batch.writer) { writer, end in
          while position < withdrawn.count, writer.count < end {
            encoder.write(withdrawn[position].key, withdrawn[position].identifier, into: &writer)
            position += 1
          }
        }
        batch.messages += 1
      }
      batches.append(batch)
    }
    for bucket in buckets {
      let isSame =
        batches.last.map {
          $0.source == bucket.key.source && $0.nextHopOwner == bucket.key.nextHopOwner
        } ?? false
      if !isSame {
        batches.append(
          EncodedRoutes(source: bucket.key.source, nextHopOwner: bucket.key.nextHopOwner))
      }
      let shared = encoder.attributes(attributes, bucket.key.attributes)
      guard encoder.hasRoom(beside: shared) else {
        leavesOut = true
        continue
      }
      let last = batches.count - 1
      var position = bucket.first
      while position != -1 {
        encoder.writeAnnouncement(shared, into: &batches[last].writer) { writer, end in
          while position != -1, writer.count < end {
            encoder.write(routes[position].key, routes[position].identifier, into: &writer)
            position = routes[position].next
          }
        }
        batches[last].messages += 1
      }
    }
    return (batches, leavesOut)
  }
}

/// Messages for the same members of a group.
struct EncodedRoutes: Sendable {
  var source: PeerIndex
  var nextHopOwner: PeerIndex
  var writer = ByteWriter(capacity: 4096)
  var messages: UInt64 = 0

  func isFor(_ member: PeerIndex) -> Bool { source != member && nextHopOwner != member }
}
