import Kubernetes

/// Pods from templates, and templates told apart.
enum PodTemplating {
  static let hashLabel = "pod-template-hash"

  /// A pod of `owner`'s template, to be named by the server.
  static func pod(of owner: some WorkloadView, kind: String) -> JSON {
    let template = owner.template
    var metadata = template.json["metadata"]
    if metadata.isNull { metadata = [:] }
    metadata["generateName"] = JSON("\(owner.name)-")
    metadata["namespace"] = JSON(owner.namespace)
    metadata["ownerReferences"] = [reference(to: owner, kind: kind)]
    return [
      "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.json["spec"],
    ]
  }

  static func reference(to owner: some ObjectView, kind: String) -> JSON {
    [
      "apiVersion": "apps/v1", "kind": JSON(kind), "name": JSON(owner.name),
      "uid": JSON(owner.uid), "controller": true, "blockOwnerDeletion": true,
    ]
  }

  /// Stands for a template's content without the hash label: equal templates have equal hashes.
  static func hash(_ template: JSON) -> String {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in withoutHash(template).bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    // Kubernetes' own alphabet: no vowels, so that no words come out.
    let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
    var text = ""
    for _ in 0..<10 {
      text.append(Character(UnicodeScalar(alphabet[Int(value % UInt64(alphabet.count))])))
      value /= UInt64(alphabet.count)
    }
    return text
  }

  static func withoutHash(_ template: JSON) -> JSON {
    var template = template
    if !template["metadata"]["labels"][hashLabel].isNull {
      template["metadata"]["labels"][hashLabel] = .null
    }
    template["metadata"]["creationTimestamp"] = .null
    return template
  }
}

extension Pod {
  /// Neither ended nor going: what counts towards a controller's number.
  var isActive: Bool { !isFinished && !isDeleting }

  /// Ready for at least `seconds`.
  func isAvailable(for seconds: Int, at now: Timestamp) -> Bool {
    guard isReady, !isDeleting else { return false }
    if seconds == 0 { return true }
    guard let since = condition("Ready")?.lastTransitionTime else { return false }
    return since.unixSeconds + Int64(seconds) <= now.unixSeconds
  }
}

extension ObjectView {
  /// Whether `owner` controls this object.
  func isControlled(by owner: some ObjectView) -> Bool { controller?.uid == owner.uid }
}
