import Kubernetes

/// Objects between the form they are stored in and the type they are asked for by.
enum Presentation {
  /// True where the stored text can be sent as it is.
  static func isStoredForm(_ type: ResourceType) -> Bool {
    type.groupResource == type.storage
  }

  /// A stored object as `type` shows it.
  static func present(_ json: JSON, as type: ResourceType) -> JSON {
    guard json["apiVersion"].string != type.apiVersion else { return json }
    var json = json
    json["apiVersion"] = .string(type.apiVersion)
    if type.storage == .events { event(&json, from: coreNames, to: newNames) }
    return json
  }

  /// An object of `type` as it is stored.
  static func normalize(_ json: JSON, from type: ResourceType, stored: ResourceType) -> JSON {
    var json = json
    if type.storage == .events, type.group != stored.group {
      event(&json, from: newNames, to: coreNames)
      if json["reportingController"].string != nil {
        json["reportingComponent"] = json["reportingController"]
        json["reportingController"] = .null
      }
    }
    json["apiVersion"] = .string(stored.apiVersion)
    return json
  }

  private static let coreNames = [
    "message", "involvedObject", "source", "firstTimestamp", "lastTimestamp", "count",
  ]
  private static let newNames = [
    "note", "regarding", "deprecatedSource", "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp", "deprecatedCount",
  ]

  private static func event(_ json: inout JSON, from old: [String], to new: [String]) {
    for (before, after) in zip(old, new) where !json[before].isNull {
      json[after] = json[before]
      json[before] = .null
    }
  }
}
