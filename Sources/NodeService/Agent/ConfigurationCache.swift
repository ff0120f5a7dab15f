import Kubernetes
import Linux

/// ConfigMaps and Secrets as the watch has them; nothing is watched until a pod names one.
@Loop struct ConfigurationCache {
  private var objects: [GroupResource: [ResourceName: JSON]] = [:]
  private var watched: Set<GroupResource> = []
  private var synced: Set<GroupResource> = []
  private var waiters: [GroupResource: [Waiter]] = [:]

  nonisolated init() {}

  func objects(
    _ kind: GroupResource, _ names: Set<String>, in namespace: String
  ) -> [String: JSON] {
    var found: [String: JSON] = [:]
    for name in names {
      found[name] = objects[kind]?[ResourceName(namespace: namespace, name: name)]
    }
    return found
  }

  /// True the first time.
  mutating func beginWatching(_ kind: GroupResource) -> Bool { watched.insert(kind).inserted }

  func isSynced(_ kind: GroupResource) -> Bool { synced.contains(kind) }

  mutating func wait(for kind: GroupResource, _ waiter: Waiter) {
    waiters[kind, default: []].append(waiter)
  }

  /// The name of what changed, if anything did.
  mutating func apply(_ kind: GroupResource, _ change: WatchChange) -> ResourceName? {
    switch change {
    case .updated(let object):
      let name = ResourceName(of: object)
      let before = objects[kind]?[name]
      objects[kind, default: [:]][name] = object
      let isSame =
        before?["data"] == object["data"] && before?["binaryData"] == object["binaryData"]
      return before != nil && isSame ? nil : name
    case .deleted(let object):
      objects[kind]?[ResourceName(of: object)] = nil
      return nil
    case .synced:
      synced.insert(kind)
      for waiter in waiters.removeValue(forKey: kind) ?? [] { waiter.resume() }
      return nil
    }
  }
}

extension ResourceName {
  init(of object: JSON) {
    self.init(
      namespace: object.at("metadata.namespace").string ?? "",
      name: object.at("metadata.name").string ?? "")
  }
}

/// Which first lists have come: nothing is torn down on the strength of half a picture.
struct SyncedKinds {
  private var kinds: Set<GroupResource> = []

  mutating func insert(_ kind: GroupResource) { kinds.insert(kind) }
  func contains(_ all: GroupResource...) -> Bool { kinds.isSuperset(of: all) }
}
