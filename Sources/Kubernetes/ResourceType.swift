/// One resource as served: where it is, what it is called, what it can do.
package struct ResourceType: Sendable {
  package var group: String
  package var version: String
  package var kind: String
  package var plural: String
  package var singular: String
  package var shortNames: [String] = []
  package var categories: [String] = []
  package var isNamespaced = true
  /// `status`, `scale`, `log`, `binding`, `eviction`.
  package var subresources: Set<String> = []
  /// The kind of stored object behind it; several served types may share one.
  package var storage: GroupResource
  /// `metadata.generation` counts changes of what is not metadata or status.
  package var hasGeneration = false
  /// What a CustomResourceDefinition says of this version; nil for a built-in kind.
  package var custom: CustomVersion?

  package var groupVersionKind: GroupVersionKind {
    GroupVersionKind(group: group, version: version, kind: kind)
  }
  package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
  /// The resource as error texts name it.
  package var groupResource: GroupResource { GroupResource(plural, group: group) }
  package var listKind: String { kind + "List" }
  package var hasStatus: Bool { subresources.contains("status") }

  package static let allVerbs = [
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
  ]
}

/// The parts of a CRD's version that matter when its objects are served.
package struct CustomVersion: Sendable {
  /// `openAPIV3Schema`, or null.
  package var schema: JSON
  package var printerColumns: [JSON] = []
  /// `subresources.scale`, or null.
  package var scale: JSON = .null

  package init(schema: JSON = .null, printerColumns: [JSON] = [], scale: JSON = .null) {
    self.schema = schema
    self.printerColumns = printerColumns
    self.scale = scale
  }
}

/// All served types, by path, kind and storage.
package struct ResourceTypes: Sendable {
  private var byPath: [String: ResourceType] = [:]
  private var byKind: [GroupVersionKind: ResourceType] = [:]
  private var byStorage: [GroupResource: ResourceType] = [:]

  package init() {
    for type in ResourceType.builtIn { install(type) }
  }

  /// In a stable order: by group, version, plural.
  package var all: [ResourceType] {
    byPath.values.sorted { ($0.group, $0.version, $0.plural) < ($1.group, $1.version, $1.plural) }
  }

  package func type(group: String, version: String, plural: String) -> ResourceType? {
    byPath["\(group)/\(version)/\(plural)"]
  }

  package func type(_ kind: GroupVersionKind) -> ResourceType? { byKind[kind] }

  /// The type whose version the store keeps.
  package func stored(_ resource: GroupResource) -> ResourceType? { byStorage[resource] }

  package func hasGroupVersion(group: String, version: String) -> Bool {
    byPath.values.contains { $0.group == group && $0.version == version }
  }

  package mutating func install(_ type: ResourceType, isStored: Bool = true) {
    byPath["\(type.group)/\(type.version)/\(type.plural)"] = type
    byKind[type.groupVersionKind] = type
    if isStored, type.groupResource == type.storage { byStorage[type.storage] = type }
  }

  private mutating func remove(_ type: ResourceType) {
    byPath["\(type.group)/\(type.version)/\(type.plural)"] = nil
    byKind[type.groupVersionKind] = nil
    byStorage[type.storage] = nil
  }

  /// Serves what a CustomResourceDefinition defines, in place of what it defined before.
  /// A built-in type of the same name stays as it is.
  package mutating func install(definition: JSON) {
    withdraw(definition: definition)
    for (type, isStored) in ResourceType.types(definition: definition)
    where byPath["\(type.group)/\(type.version)/\(type.plural)"] == nil {
      install(type, isStored: isStored)
    }
  }

  package mutating func withdraw(definition: JSON) {
    let group = definition["spec"]["group"].string ?? ""
    let plural = definition["spec"]["names"]["plural"].string ?? ""
    let builtIn = ResourceType.builtIn.contains { $0.group == group && $0.plural == plural }
    guard !builtIn else { return }
    for type in all where type.group == group && type.plural == plural { remove(type) }
  }
}

extension ResourceType {
  /// The types that a CRD serves, and whether each is the one that is stored.
  static func types(definition: JSON) -> [(ResourceType, isStored: Bool)] {
    let spec = definition["spec"]
    let names = spec["names"]
    guard let group = spec["group"].string, let plural = names["plural"].string,
      let kind = names["kind"].string
    else { return [] }
    return spec["versions"].elements.compactMap { version in
      guard version["served"].bool ?? false, let name = version["name"].string else { return nil }
      var subresources: Set<String> = []
      if !version["subresources"]["status"].isNull { subresources.insert("status") }
      if !version["subresources"]["scale"].isNull { subresources.insert("scale") }
      let type = ResourceType(
        group: group, version: name, kind: kind, plural: plural,
        singular: names["singular"].string ?? kind.lowercased(),
        shortNames: names["shortNames"].elements.compactMap(\.string),
        categories: names["categories"].elements.compactMap(\.string),
        isNamespaced: spec["scope"].string != "Cluster", subresources: subresources,
        storage: GroupResource(plural, group: group), hasGeneration: true,
        custom: CustomVersion(
          schema: version["schema"]["openAPIV3Schema"],
          printerColumns: version["additionalPrinterColumns"].elements,
          scale: version["subresources"]["scale"]))
      return (type, version["storage"].bool ?? false)
    }
  }
}
