import Kubernetes
import Linux

extension Store {
  /// How long events stay, in seconds, as in Kubernetes.
  private static let eventLifetime: Int64 = 3600
  /// How many new events it takes to look for old ones.
  private static let eventsPerSweep = 100

  /// Now and then removes the events that nobody has seen for an hour.
  func expireEvents() throws(APIStatus) {
    eventsSinceSweep += 1
    guard eventsSinceSweep >= Self.eventsPerSweep else { return }
    eventsSinceSweep = 0
    let limit = now.unixSeconds - Self.eventLifetime
    for object in objects(.events, namespace: nil) {
      let times = ["lastTimestamp", "eventTime", "firstTimestamp"].compactMap {
        object.json[$0].string.flatMap(Timestamp.init)
      }
      let created = object.json["metadata"]["creationTimestamp"].string.flatMap(Timestamp.init)
      guard let last = (times + [created].compactMap { $0 }).max(), last.unixSeconds < limit else {
        continue
      }
      try erase(object)
    }
  }
}
