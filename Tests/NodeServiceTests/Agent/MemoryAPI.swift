import Kubernetes
import Linux

@testable import NodeService

/// A Kubernetes API in memory: objects, watches, and outages on demand.
@Loop final class MemoryAPI: ClusterAPI {
  struct Unreachable: Error {}

  private struct Watch {
    var resource: GroupResource
    var selects: (JSON) -> Bool
    var handler: @Loop (WatchChange) -> Void
  }
  private(set) var objects: [GroupResource: [ResourceName: JSON]] = [:]
  private var watches: [Watch] = []
  private(set) var deletions: [ResourceName] = []
  var isDown = false
  private var serial = 0

  private func check() throws {
    if isDown { throw Unreachable() }
  }

  private func notify(_ resource: GroupResource, _ change: WatchChange, _ object: JSON) {
    for watch in watches where watch.resource == resource && watch.selects(object) {
      watch.handler(change)
    }
  }

  func put(_ resource: GroupResource, _ object: JSON) {
    objects[resource, default: [:]][ResourceName(of: object)] = object
    notify(resource, .updated(object), object)
  }

  func remove(_ resource: GroupResource, _ name: ResourceName) {
    guard let object = objects[resource]?.removeValue(forKey: name) else { return }
    notify(resource, .deleted(object), object)
  }

  func object(_ resource: GroupResource, _ name: String, namespace: String = "") -> JSON {
    objects[resource]?[ResourceName(namespace: namespace, name: name)] ?? .null
  }

  func list(_ resource: GroupResource) async throws -> [JSON] {
    try check()
    return (objects[resource] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
  }

  func get(_ resource: GroupResource, _ name: ResourceName) async throws -> JSON {
    try check()
    guard let object = objects[resource]?[name] else {
      throw APIStatus.notFound(resource, name.name)
    }
    return object
  }

  func create(_ resource: GroupResource, _ object: JSON) async throws -> JSON {
    try check()
    // A real server takes a while: others get their turn.
    await Task.yield()
    let name = ResourceName(of: object)
    guard objects[resource]?[name] == nil else {
      throw APIStatus.alreadyExists(resource, name.name)
    }
    serial += 1
    var object = object
    if object.at("metadata.uid").isNull { object["metadata"]["uid"] = .string("uid-\(serial)") }
    put(resource, object)
    return object
  }

  func merge(
    _ resource: GroupResource, _ name: ResourceName, subresource: String?, _ patch: JSON
  ) async throws -> JSON {
    try check()
    await Task.yield()
    guard let object = objects[resource]?[name] else {
      throw APIStatus.notFound(resource, name.name)
    }
    if let uid = patch.at("metadata.uid").string, uid != object.at("metadata.uid").string {
      throw APIStatus.conflict(resource, name.name)
    }
    let merged = Self.merged(object, patch)
    put(resource, merged)
    return merged
  }

  private static func merged(_ object: JSON, _ patch: JSON) -> JSON {
    guard let changes = patch.object else { return patch }
    var members = object.members
    for (key, value) in changes {
      members[key] = value.isNull ? nil : merged(members[key] ?? .null, value)
    }
    return .object(members)
  }

  func delete(_ resource: GroupResource, _ name: ResourceName, options: JSON) async throws {
    try check()
    deletions.append(name)
    guard objects[resource]?[name] != nil else { throw APIStatus.notFound(resource, name.name) }
    remove(resource, name)
  }

  func watch(
    _ resource: GroupResource, fieldSelector: String?,
    _ handler: @escaping @Loop (WatchChange) -> Void
  ) {
    let parts = (fieldSelector ?? "").split(separator: "=", maxSplits: 1).map(String.init)
    let selects: (JSON) -> Bool = {
      parts.count != 2 || $0.at(parts[0]).string == parts[1]
    }
    watches.append(Watch(resource: resource, selects: selects, handler: handler))
    if isDown { return }
    for object in (objects[resource] ?? [:]).values where selects(object) {
      handler(.updated(object))
    }
    handler(.synced)
  }
}
