import Kubernetes

/// The form in which a client wants objects.
enum ResponseForm: Equatable {
  case object
  /// `as=Table`, of v1 or v1beta1.
  case table(version: String)
  /// `as=PartialObjectMetadata` or its list.
  case metadata

  /// Takes the first form of an Accept header that is served.
  /// - Throws: 406 if none is.
  init(accept: String?) throws(APIStatus) {
    let ranges = (accept ?? "").split(separator: ",")
    if ranges.isEmpty {
      self = .object
      return
    }
    for range in ranges {
      var parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
      let type = parts.removeFirst()
      guard ["application/json", "*/*", "application/*"].contains(type) else { continue }
      let parameters = Dictionary(
        parts.compactMap { part -> (String, String)? in
          let halves = part.split(separator: "=", maxSplits: 1).map(String.init)
          return halves.count == 2 ? (halves[0], halves[1]) : nil
        }, uniquingKeysWith: { first, _ in first })
      switch parameters["as"] {
      case nil:
        self = .object
        return
      case "Table" where parameters["g"] == "meta.k8s.io":
        self = .table(version: parameters["v"] ?? "v1")
        return
      case "PartialObjectMetadata", "PartialObjectMetadataList":
        self = .metadata
        return
      default: continue
      }
    }
    throw APIStatus(
      code: 406, reason: "NotAcceptable",
      message: "only the following media types are accepted: application/json")
  }
}
