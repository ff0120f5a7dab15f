import Kubernetes
import Linux
import Wire

extension APIServer {
  /// A list, filtered and cut at `limit`, in the form that was asked for.
  func list(
    _ type: ResourceType, namespace: String, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse {
    let form = try ResponseForm(accept: request.headers["accept"])
    let filter = try ObjectFilter(request)
    var objects = store.objects(type.storage, namespace: namespace.isEmpty ? nil : namespace)
    if !filter.isEmpty {
      objects = objects.filter { filter.matches(Presentation.present($0.json, as: type)) }
    }
    if let token = request.parameter("continue") {
      let last = try position(token)
      objects = objects.filter { last < $0.key.name }
    }
    var metadata: JSON = ["resourceVersion": .string(String(store.revision))]
    if let limit = try request.number("limit"), limit > 0, objects.count > limit {
      metadata["remainingItemCount"] = JSON(objects.count - limit)
      objects = Array(objects.prefix(limit))
      metadata["continue"] = JSON(objects.last.map { token(after: $0.key.name) })
    }
    return .bytes(listText(objects, metadata, type, form, request))
  }

  private func token(after name: ResourceName) -> String {
    Base64.encode(Array("v1\n\(name.namespace)\n\(name.name)".utf8))
  }

  private func position(_ token: String) throws(APIStatus) -> ResourceName {
    let parts = (Base64.decode(token) ?? []).split(
      separator: 0x0A, omittingEmptySubsequences: false
    ).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 3, parts[0] == "v1" else {
      throw .badRequest("continue key is not valid: \(token)")
    }
    return ResourceName(namespace: parts[1], name: parts[2])
  }

  private func listText(
    _ objects: [StoredObject], _ metadata: JSON, _ type: ResourceType, _ form: ResponseForm,
    _ request: APIRequest
  ) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(objects.reduce(256) { $0 + $1.bytes.count + 1 })
    func items(_ write: (StoredObject, inout [UInt8]) -> Void) {
      for (index, object) in objects.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        write(object, &output)
      }
      output.append(contentsOf: "]}".utf8)
    }
    func head(_ kind: String, _ apiVersion: String, _ list: String) {
      output.append(
        contentsOf:
          "{\"kind\":\"\(kind)\",\"apiVersion\":\"\(apiVersion)\",\"metadata\":\(metadata.text),\(list):["
          .utf8)
    }
    switch form {
    case .object:
      head(type.listKind, type.apiVersion, "\"items\"")
      let isStoredForm = Presentation.isStoredForm(type)
      items { object, output in
        if isStoredForm {
          output.append(contentsOf: object.bytes)
        } else {
          Presentation.present(object.json, as: type).write(to: &output)
        }
      }
    case .metadata:
      head("PartialObjectMetadataList", "meta.k8s.io/v1", "\"items\"")
      items { PartialMetadata.of($0.json).write(to: &$1) }
    case .table(let version):
      let table = Table(type)
      let now = store.now
      let included = included(request)
      head(
        "Table", "meta.k8s.io/\(version)",
        "\"columnDefinitions\":\(table.columnDefinitions.text),\"rows\"")
      items {
        table.row(Presentation.present($0.json, as: type), at: now, included).write(to: &$1)
      }
    }
    return output
  }
}
