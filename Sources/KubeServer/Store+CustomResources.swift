import Kubernetes
import Linux

extension Store {
  /// The status of a CRD: its names are accepted and it is served at once.
  func establishedStatus(_ definition: JSON) -> JSON {
    func condition(_ type: String, _ reason: String, _ message: String) -> JSON {
      Condition(type: type, status: true, reason: reason, message: message, at: now).json
    }
    let storage = definition["spec"]["versions"].elements.filter { $0["storage"].bool == true }
    return [
      "acceptedNames": definition["spec"]["names"],
      "conditions": [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
      ],
      "storedVersions": .array(storage.map { $0["name"] }),
    ]
  }

  /// Fills in a custom resource's defaults, drops what its schema does not know, and checks it.
  func prepare(
    custom: CustomVersion, _ object: inout JSON, _ type: ResourceType
  ) throws(APIStatus) {
    guard !custom.schema.isNull else { return }
    let schema = StructuralSchema(custom.schema)
    schema.prune(&object)
    schema.fillDefaults(&object)
    let problems = schema.problems(object)
    guard problems.isEmpty else {
      throw .invalid(
        type.groupVersionKind, object["metadata"]["name"].string ?? "", problems)
    }
  }
}
