/// Checks that an object could be stored: names, required fields, fields that may not change.
package enum Validation {
  /// A DNS-1123 label; `limit` 63 characters.
  package static func isLabel(_ text: String, limit: Int = 63) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, bytes.count <= limit,
      isLowerAlphanumeric(first), isLowerAlphanumeric(last)
    else { return false }
    return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }

  /// A DNS-1123 subdomain: labels joined by dots, at most 253 characters.
  package static func isSubdomain(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false)
        .allSatisfy { isLabel(String($0), limit: 253) }
  }

  private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  package static let subdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    + " and must start and end with an alphanumeric character (e.g. 'example.com', regex used for"
    + " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
  package static let labelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
    + " start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for"
    + " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

  /// What is wrong with a new object.
  package static func problems(creating object: JSON, _ resource: GroupResource) -> [FieldProblem] {
    metadata(object["metadata"], resource) + content(object, resource)
  }

  /// What is wrong with a change from `old` to `object`.
  package static func problems(
    updating object: JSON, from old: JSON, _ resource: GroupResource
  ) -> [FieldProblem] {
    var problems = metadata(object["metadata"], resource) + content(object, resource)
    func immutable(_ path: String) {
      let value = object.at(path)
      if value != old.at(path) {
        problems.append(.invalid(path, value, "field is immutable"))
      }
    }
    switch resource {
    case .deployments, .replicaSets, .daemonSets: immutable("spec.selector")
    case .pods: problems += podUpdate(object, old)
    case .services:
      let address = old["spec"]["clusterIP"]
      if object["spec"]["type"] != "ExternalName", old["spec"]["type"] != "ExternalName",
        !address.isNull, object["spec"]["clusterIP"] != address
      {
        problems.append(
          .invalid(
            "spec.clusterIPs[0]", JSON([object["spec"]["clusterIP"]]),
            "may not change once set"))
      }
    case .endpointSlices: immutable("addressType")
    case .configMaps, .secrets:
      if old["immutable"].bool == true {
        for key in ["data", "binaryData"] where object[key] != old[key] {
          problems.append(
            FieldProblem(.forbidden, key, "Forbidden: field is immutable when `immutable` is set"))
        }
      }
      if resource == .secrets { immutable("type") }
    default: break
    }
    return problems
  }

  private static func podUpdate(_ object: JSON, _ old: JSON) -> [FieldProblem] {
    let isPlaced = !(old["spec"]["nodeName"].string ?? "").isEmpty
    func fixed(_ spec: JSON) -> JSON {
      var spec = spec
      if !isPlaced { spec["nodeName"] = .null }
      for list in ["containers", "initContainers"] where spec[list].array != nil {
        spec[list].mapElements { $0["image"] = .null }
      }
      for key in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
        spec[key] = .null
      }
      return spec
    }
    guard fixed(object["spec"]) != fixed(old["spec"]) else { return [] }
    return [
      FieldProblem(
        .forbidden, "spec",
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
          + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only"
          + " additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to"
          + " be set to 1 if it was previously negative)")
    ]
  }

  private static func metadata(_ metadata: JSON, _ resource: GroupResource) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    let name = metadata["name"].string ?? ""
    let isLabelKind = resource == .namespaces || resource == .services
    if name.isEmpty {
      problems.append(.required("metadata.name", "name or generateName is required"))
    } else if isLabelKind ? !isLabel(name) : !isSubdomain(name) {
      problems.append(
        .invalid("metadata.name", .string(name), isLabelKind ? labelRule : subdomainRule))
    }
    for (field, isLabels) in [("labels", true), ("annotations", false)] {
      for (key, value) in metadata[field].members.sorted(by: { $0.key < $1.key }) {
        if !isQualifiedName(key) {
          problems.append(
            .invalid(
              "metadata.\(field)", .string(key),
              "name part must consist of alphanumeric characters, '-', '_' or '.', and must start"
                + " and end with an alphanumeric character"))
        }
        guard let text = value.string else {
          problems.append(.invalid("metadata.\(field)", value, "must be a string"))
          continue
        }
        if isLabels, !isLabelValue(text) {
          problems.append(
            .invalid(
              "metadata.labels", .string(text),
              "a valid label must be an empty string or consist of alphanumeric characters, '-',"
                + " '_' or '.', and must start and end with an alphanumeric character (e.g."
                + " 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
                + " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"))
        }
      }
    }
    return problems
  }

  package static func isLabelValue(_ text: String) -> Bool {
    text.isEmpty || isNamePart(text[...])
  }

  private static func isNamePart(_ text: Substring) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63,
      isAlphanumeric(first), isAlphanumeric(last)
    else { return false }
    return text.utf8.allSatisfy {
      isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        || $0 == UInt8(ascii: ".")
    }
  }

  package static func isQualifiedName(_ key: String) -> Bool {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    switch parts.count {
    case 1: return isNamePart(parts[0])
    case 2: return isSubdomain(parts[0].lowercased()) && isNamePart(parts[1])
    default: return false
    }
  }
}
