import Kubernetes
import Linux
import Yams

/// Warnings to be sent with the response under way.
@Loop
final class Warnings {
  private var texts: [String] = []

  func add(_ text: String) { if texts.count < 50 { texts.append(text) } }

  func drain() -> [String] {
    defer { texts = [] }
    return texts
  }
}

extension APIServer {
  /// Decodes a JSON or YAML body.
  func decode(_ bytes: [UInt8], _ request: APIRequest) throws(APIStatus) -> JSON {
    let type = request.contentType
    if type == Protobuf.contentType {
      do throws(Protobuf.Failure) {
        return try Protobuf.decode(bytes)
      } catch {
        throw .badRequest("the object provided is unrecognized: \(error)")
      }
    }
    if type.hasSuffix("json") || bytes.first == UInt8(ascii: "{") {
      do throws(JSONError) {
        return try JSON(parsing: bytes)
      } catch {
        throw .badRequest("the object provided is unrecognized: \(error)")
      }
    }
    guard type.hasSuffix("yaml") else {
      throw APIStatus(
        code: 415, reason: "UnsupportedMediaType",
        message: "the body of the request was in an unknown format - accepted media types include:"
          + " application/json, application/yaml, \(Protobuf.contentType)")
    }
    do {
      let text = String(decoding: bytes, as: UTF8.self)
      guard let node = try Yams.compose(yaml: text) else { return .null }
      return try JSON(node: node)
    } catch let status as APIStatus {
      throw status
    } catch {
      throw .badRequest("error parsing YAML: \(error)")
    }
  }

  /// The object of a request, checked against its path and turned into its stored form.
  func body(
    _ request: APIRequest, _ type: ResourceType, _ place: ResourceName
  ) throws(APIStatus) -> JSON {
    let json = try decode(request.body, request)
    return try admit(json, type, place, request)
  }

  func admit(
    _ json: JSON, _ type: ResourceType, _ place: ResourceName, _ request: APIRequest
  ) throws(APIStatus) -> JSON {
    guard json.object != nil else {
      throw .badRequest(
        "the object provided is unrecognized (must be of type \(type.kind)): couldn't get"
          + " version/kind; json parse error")
    }
    var json = json
    if json["kind"].isNull { json["kind"] = .string(type.kind) }
    if json["apiVersion"].isNull { json["apiVersion"] = .string(type.apiVersion) }
    guard json["kind"].string == type.kind, json["apiVersion"].string == type.apiVersion else {
      let found = "\(json["apiVersion"].string ?? ""), Kind=\(json["kind"].string ?? "")"
      throw .badRequest(
        "the API version in the data (\(found)) does not match the expected API version"
          + " (\(type.groupVersionKind))")
    }
    try checkFields(json, type, request)
    json = json.withoutNulls()
    for key in ["labels", "annotations", "finalizers", "ownerReferences"]
    where json["metadata"][key].members.isEmpty && json["metadata"][key].elements.isEmpty {
      json["metadata"][key] = .null
    }
    let namespace = json["metadata"]["namespace"].string ?? ""
    if !place.namespace.isEmpty, !namespace.isEmpty, namespace != place.namespace {
      throw .badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    if !place.namespace.isEmpty { json["metadata"]["namespace"] = .string(place.namespace) }
    if !place.name.isEmpty {
      let name = json["metadata"]["name"].string ?? place.name
      guard name == place.name else {
        throw .badRequest(
          "the name of the object (\(name)) does not match the name on the URL (\(place.name))")
      }
      json["metadata"]["name"] = .string(place.name)
    }
    return Presentation.normalize(json, from: type, stored: try store.type(of: type.storage))
  }
}

extension JSON {
  /// A YAML node; anchors are expanded by the parser, which bounds them.
  init(node: Yams.Node, depth: Int = 0) throws(APIStatus) {
    guard depth < 100 else { throw .badRequest("error parsing YAML: nested deeper than 100") }
    switch node {
    case .scalar(let scalar): self = JSON.scalar(scalar)
    case .sequence(let sequence):
      var elements: [JSON] = []
      for element in sequence { elements.append(try JSON(node: element, depth: depth + 1)) }
      self = .array(elements)
    case .mapping(let mapping):
      var members: [String: JSON] = [:]
      for (key, value) in mapping {
        guard let name = key.scalar?.string else {
          throw .badRequest("error parsing YAML: a key is not a scalar")
        }
        members[name] = .some(try JSON(node: value, depth: depth + 1))
      }
      self = .object(members)
    case .alias: throw .badRequest("error parsing YAML: unresolved alias")
    }
  }

  private static func scalar(_ scalar: Yams.Node.Scalar) -> JSON {
    guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
    let text = scalar.string
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: break
    }
    guard let first = text.utf8.first, first < 0x3A, first != UInt8(ascii: "/") else {
      return .string(text)
    }
    if let value = Int64(text), first != UInt8(ascii: "+") { return .integer(value) }
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }),
      let value = Double(text), value.isFinite
    {
      return .number(value)
    }
    return .string(text)
  }
}
