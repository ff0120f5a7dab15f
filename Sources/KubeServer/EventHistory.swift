import Kubernetes
import Linux

/// One change of the store.
package struct StoreEvent: Sendable {
  package enum Kind: String, Sendable {
    case added = "ADDED"
    case modified = "MODIFIED"
    case deleted = "DELETED"
  }
  package let kind: Kind
  package let object: StoredObject
  /// What it replaced; nil for what is new.
  package let previous: StoredObject?

  package var resource: GroupResource { object.key.resource }
  package var name: ResourceName { object.key.name }
  package var json: JSON { object.json }
  package var revision: Int64 { object.revision }
}

/// The last changes, so that a watch can go on where it stopped.
struct EventHistory {
  private let capacity: Int
  private var events: [StoreEvent] = []
  private var start = 0
  /// Changes up to here are no longer held.
  private(set) var oldest: Int64 = 0

  init(capacity: Int) { self.capacity = max(1, capacity) }

  mutating func restart(at revision: Int64) { oldest = revision }

  mutating func append(_ event: StoreEvent) {
    if events.count < capacity {
      events.append(event)
    } else {
      oldest = events[start].revision
      events[start] = event
      start = (start + 1) % capacity
    }
  }

  /// The changes after `revision`, oldest first; nil if some of them are gone.
  func events(after revision: Int64) -> [StoreEvent]? {
    guard revision >= oldest else { return nil }
    // Revisions rise, so the first one wanted is found by halving.
    var low = 0
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[(start + middle) % events.count].revision > revision {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return (low..<events.count).map { events[(start + $0) % events.count] }
  }
}
