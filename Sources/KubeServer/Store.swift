import Kubernetes
import Linux
import NetTypes

/// All objects of a cluster: in memory, parsed, with every change written to SQLite before it is
/// answered. One monotonic revision counts the changes and is every object's `resourceVersion`.
///
/// Controllers of the same process call it directly; nothing suspends, so that a read followed by
/// a write is one step.
@Loop
package final class Store {
  package struct Configuration: Sendable {
    /// The database file; nil keeps everything in memory only.
    package var path: String?
    /// Where ClusterIPs come from; its first address is the service `kubernetes`.
    package var serviceCIDR: IPPrefix
    package var nodePorts: ClosedRange<Int> = 30000...32767
    /// How many changes a watch can go back.
    package var eventCapacity = 4096
    package var now: @Sendable () -> Timestamp

    package init(
      path: String?, serviceCIDR: IPPrefix? = nil,
      now: (@Sendable () -> Timestamp)? = nil
    ) {
      self.path = path
      self.now = now ?? { .now }
      self.serviceCIDR =
        serviceCIDR ?? IPPrefix(.v4(IPv4Address(10, 43, 0, 0)), length: 16)
    }
  }

  package let configuration: Configuration
  package internal(set) var types = ResourceTypes()
  /// The revision of the last change.
  package internal(set) var revision: Int64 = 0

  var tables: [GroupResource: [ResourceName: StoredObject]] = [:]
  /// Objects by the uid of each of their owners.
  var dependents: [String: Set<ObjectKey>] = [:]
  var history: EventHistory
  var subscribers: [Int: Subscriber] = [:]
  var nextSubscriber = 0
  var serviceAddresses: [IPAddress: ResourceName] = [:]
  var servicePorts: [Int: ResourceName] = [:]
  var eventsSinceSweep = 0
  private let database: Database?

  package var now: Timestamp { configuration.now() }

  /// Opens the database, or makes it, and reads all objects.
  /// - Throws: what SQLite says, or the first object that is not JSON.
  package init(_ configuration: Configuration) throws {
    self.configuration = configuration
    history = EventHistory(capacity: configuration.eventCapacity)
    guard let path = configuration.path else {
      database = nil
      try bootstrap()
      return
    }
    let database = try Database(path: path)
    self.database = database
    revision = try database.revision()
    try database.forEach { resource, name, revision, bytes in
      let json = try JSON(parsing: bytes)
      load(
        StoredObject(
          key: ObjectKey(resource: resource, name: name), json: json, revision: revision,
          bytes: bytes))
    }
    history.restart(at: revision)
    try bootstrap()
  }

  private func load(_ object: StoredObject) {
    index(object, replacing: nil)
    tables[object.key.resource, default: [:]][object.key.name] = object
    revision = max(revision, object.revision)
  }

  /// Writes one change, gives it the next revision, and tells who watches.
  @discardableResult
  func commit(_ key: ObjectKey, _ json: JSON) throws(APIStatus) -> StoredObject {
    let next = revision + 1
    var json = json
    json["metadata"]["resourceVersion"] = .string(String(next))
    let object = StoredObject(key: key, json: json, revision: next, bytes: json.bytes)
    let previous = tables[key.resource]?[key.name]
    try persist { try $0.put(object) }
    revision = next
    index(object, replacing: previous)
    tables[key.resource, default: [:]][key.name] = object
    publish(
      StoreEvent(
        kind: previous == nil ? .added : .modified, object: object, previous: previous))
    return object
  }

  /// Removes an object; watchers see its last state at the revision of the removal.
  @discardableResult
  func erase(_ stored: StoredObject) throws(APIStatus) -> StoredObject {
    let next = revision + 1
    var json = stored.json
    json["metadata"]["resourceVersion"] = .string(String(next))
    let object = StoredObject(key: stored.key, json: json, revision: next, bytes: json.bytes)
    try persist { try $0.remove(stored.key, revision: next) }
    revision = next
    index(nil, replacing: stored)
    tables[stored.key.resource]?[stored.key.name] = nil
    publish(StoreEvent(kind: .deleted, object: object, previous: stored))
    return object
  }

  private func persist(_ body: (Database) throws -> Void) throws(APIStatus) {
    guard let database else { return }
    do {
      try body(database)
    } catch {
      throw APIStatus.internalError("the database refused a write: \(error)")
    }
  }

  /// Keeps what is derived from objects: served types, owners, allocated addresses and ports.
  private func index(_ object: StoredObject?, replacing previous: StoredObject?) {
    guard let key = object?.key ?? previous?.key else { return }
    if key.resource == .customResourceDefinitions {
      if let previous { types.withdraw(definition: previous.json) }
      if let object { types.install(definition: object.json) }
    }
    if key.resource == .services { allocate(object?.json, replacing: previous?.json, key.name) }
    for owner in previous?.owners ?? [] {
      dependents[owner]?.remove(key)
      if dependents[owner]?.isEmpty == true { dependents[owner] = nil }
    }
    for owner in object?.owners ?? [] { dependents[owner, default: []].insert(key) }
  }
}

/// Where an object is.
package struct ObjectKey: Hashable, Sendable {
  package let resource: GroupResource
  package let name: ResourceName

  package init(resource: GroupResource, name: ResourceName) {
    self.resource = resource
    self.name = name
  }
}

/// One state of one object, with its text.
package final class StoredObject: Sendable {
  package let key: ObjectKey
  package let json: JSON
  package let revision: Int64
  package let bytes: [UInt8]

  init(key: ObjectKey, json: JSON, revision: Int64, bytes: [UInt8]) {
    self.key = key
    self.json = json
    self.revision = revision
    self.bytes = bytes
  }

  var owners: [String] {
    json["metadata"]["ownerReferences"].elements.compactMap { $0["uid"].string }
  }
}
