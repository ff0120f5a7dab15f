import Wire

/// v1 ConfigMap.
package struct ConfigMap: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var data: [String: String] { json["data"].strings }
  /// By key, in base 64.
  package var binaryData: [String: String] { json["binaryData"].strings }
}

/// v1 Secret.
package struct Secret: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var type: String { json["type"].string ?? "Opaque" }

  /// By key, decoded; what is not base 64 is left out.
  package var data: [String: [UInt8]] { json["data"].strings.compactMapValues(Base64.decode) }
}

/// v1 Event.
package struct Event: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var involvedObject: ObjectReference { ObjectReference(json: json["involvedObject"]) }
  /// `Normal` or `Warning`.
  package var type: String { json["type"].string ?? "Normal" }
  package var reason: String { json["reason"].string ?? "" }
  package var message: String { json["message"].string ?? "" }
  package var count: Int { json["count"].int ?? 1 }
}
