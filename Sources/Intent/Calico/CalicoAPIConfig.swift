import Kubernetes

/// calicoctl's own configuration, as `/etc/calico/calicoctl.cfg` has it.
package struct CalicoAPIConfig: Equatable, Sendable {
  package static let defaultPath = "/etc/calico/calicoctl.cfg"

  /// A kubeconfig; nil: the one that the environment names.
  package var kubeconfig: String?
  package var context: String?

  /// - Throws: `FileProblem`, which says what was found and what was expected.
  package init(parsing text: String, file: String) throws(FileProblem) {
    let documents = try YAML.documents(text, file: file)
    guard let document = documents.first, documents.count == 1 else {
      throw FileProblem(
        file: file, message: "found \(documents.count) documents, expected one CalicoAPIConfig")
    }
    func need(_ field: String, _ expected: String, isOptional: Bool = false)
      throws(FileProblem)
    {
      let found = document.at(field)
      if found.string == expected || (isOptional && found.isNull) { return }
      throw FileProblem(
        file: file, message: "\(field): found \(found.text), expected \(expected)")
    }
    try need("kind", "CalicoAPIConfig")
    try need("apiVersion", CalicoKind.apiVersion)
    try need("spec.datastoreType", "kubernetes", isOptional: true)
    let spec = document["spec"]
    kubeconfig = spec["kubeconfig"].string.flatMap { $0.isEmpty ? nil : $0 }
    context = spec["k8sCurrentContext"].string.flatMap { $0.isEmpty ? nil : $0 }
  }
}
