/// The form a value has: what may be in it, and how changes by several hands are merged.
package indirect enum Shape: Sendable {
  /// Anything; objects in it are merged member by member, lists are one value.
  case any
  case string
  case integer
  case boolean
  /// A string or a number, as quantities are.
  case quantity
  case intOrString
  /// A type of the built-in table.
  case named(String)
  case map(Shape)
  /// Owned and replaced as one value by server-side apply.
  case atomic(Shape)
  /// A list that is one value.
  case list(Shape)
  /// A list whose elements are told apart by `keys`; the first is the merge key of strategic
  /// merge patches.
  case keyed(Shape, keys: [String])
  /// A list of distinct scalars.
  case set(Shape)
  case fields([String: Shape], isOpen: Bool)

  /// The shape without its mark as one value.
  var content: Shape {
    if case .atomic(let inner) = self { inner.content } else { self }
  }

  /// The shape of a member; `any` where nothing is known.
  package func member(_ key: String) -> Shape {
    switch content {
    case .named(let name): Schema.types[name]?.fields[key] ?? .any
    case .map(let value): value
    case .fields(let fields, _): fields[key] ?? .any
    default: .any
    }
  }

  var element: Shape {
    switch content {
    case .list(let element), .set(let element), .keyed(let element, _): element
    default: .any
    }
  }

  /// The keys of the elements of a keyed list.
  var keys: [String]? { if case .keyed(_, let keys) = content { keys } else { nil } }

  var isSet: Bool { if case .set = content { true } else { false } }
  var isAtomic: Bool { if case .atomic = self { true } else { false } }

  /// From the schema of a custom resource.
  package init(openAPI schema: JSON) {
    let isOpen = schema["x-kubernetes-preserve-unknown-fields"].bool ?? false
    var shape: Shape
    if let properties = schema["properties"].object {
      shape = .fields(properties.mapValues(Shape.init(openAPI:)), isOpen: isOpen)
    } else if schema["additionalProperties"].object != nil {
      shape = .map(Shape(openAPI: schema["additionalProperties"]))
    } else if schema["type"] == "array" {
      let element = Shape(openAPI: schema["items"])
      switch schema["x-kubernetes-list-type"].string {
      case "map":
        shape = .keyed(
          element, keys: schema["x-kubernetes-list-map-keys"].elements.compactMap(\.string))
      case "set": shape = .set(element)
      default: shape = .list(element)
      }
    } else {
      shape = .any
    }
    if schema["x-kubernetes-map-type"] == "atomic" { shape = .atomic(shape) }
    self = shape
  }

  /// The key of a keyed list's element, with the defaults a key may be given by.
  static func key(of element: JSON, _ keys: [String]) -> [String: JSON] {
    var key: [String: JSON] = [:]
    for name in keys {
      let value = element[name]
      if value.isNull {
        if name == "protocol" { key[name] = "TCP" }
      } else {
        key[name] = value
      }
    }
    return key
  }
}
