import Addressing
import Kubernetes
import NetTypes

/// The address records as Calico stores them in Kubernetes, `crd.projectcalico.org/v1`, so that
/// Calico's own tools can read them.
package enum CalicoObjects {
  package static let apiVersion = "crd.projectcalico.org/v1"
  package static let group = "crd.projectcalico.org"

  /// `10.53.68.192/26` as part of a name: `10-53-68-192-26`.
  package static func name(of cidr: IPPrefix) -> String {
    String(cidr.description.map { ".:/".contains($0) ? "-" : $0 })
  }

  package static func affinityName(host: String, cidr: IPPrefix) -> String {
    "\(host)-\(name(of: cidr))"
  }
}

/// An object of Calico's that cannot be read: which, which field, what was found, what was expected.
package struct CalicoObjectError: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ object: JSON, _ field: String, found: JSON, expected: String) {
    let kind = object["kind"].string ?? "object"
    let name = object.at("metadata.name").string ?? "?"
    description = "\(kind) \(name): \(field) is \(found.text), expected \(expected)"
  }
}

extension IPPool {
  /// - Throws: when the CIDR or the block size is wrong; unknown fields are left alone.
  package init(calico object: JSON) throws(CalicoObjectError) {
    let spec = object["spec"]
    guard let cidr = spec["cidr"].string.flatMap({ IPPrefix($0) }) else {
      throw CalicoObjectError(
        object, "spec.cidr", found: spec["cidr"], expected: "a prefix as 10.53.0.0/16")
    }
    do throws(AddressingError) {
      try self.init(
        name: object.at("metadata.name").string ?? "", cidr: cidr,
        blockLength: spec["blockSize"].int, isDisabled: spec["disabled"].bool ?? false,
        natOutgoing: spec["natOutgoing"].bool ?? false)
    } catch {
      throw CalicoObjectError(
        object, "spec.blockSize", found: spec["blockSize"],
        expected: "a length in \(IPPool.blockLengths(in: cidr))")
    }
  }

  package var calicoObject: JSON {
    var spec: JSON = [
      "cidr": .string(cidr.description), "blockSize": JSON(blockLength), "ipipMode": "Never",
      "vxlanMode": "Never", "natOutgoing": .bool(natOutgoing), "nodeSelector": "all()",
      "allowedUses": ["Workload"],
    ]
    if isDisabled { spec["disabled"] = true }
    return [
      "apiVersion": .string(CalicoObjects.apiVersion), "kind": "IPPool",
      "metadata": ["name": .string(name)], "spec": spec,
    ]
  }
}

/// Who may hand out the addresses of a block. Calico's BlockAffinity.
package struct BlockAffinity: Hashable, Sendable {
  package var host: String
  package var cidr: IPPrefix
  /// False while the block itself is not yet made (`pending`).
  package var isConfirmed: Bool

  package init(host: String, cidr: IPPrefix, isConfirmed: Bool = true) {
    self.host = host
    self.cidr = cidr
    self.isConfirmed = isConfirmed
  }

  package init(calico object: JSON) throws(CalicoObjectError) {
    let spec = object["spec"]
    guard let cidr = spec["cidr"].string.flatMap({ IPPrefix($0) }) else {
      throw CalicoObjectError(
        object, "spec.cidr", found: spec["cidr"], expected: "a prefix as 10.53.68.192/26")
    }
    guard let host = spec["node"].string, !host.isEmpty else {
      throw CalicoObjectError(object, "spec.node", found: spec["node"], expected: "a node's name")
    }
    self.init(host: host, cidr: cidr, isConfirmed: spec["state"].string == "confirmed")
  }

  package var calicoObject: JSON {
    [
      "apiVersion": .string(CalicoObjects.apiVersion), "kind": "BlockAffinity",
      "metadata": ["name": .string(CalicoObjects.affinityName(host: host, cidr: cidr))],
      "spec": [
        "cidr": .string(cidr.description), "deleted": "false", "node": .string(host),
        "state": isConfirmed ? "confirmed" : "pending",
      ],
    ]
  }
}

extension IPAMBlock {
  package init(calico object: JSON) throws(CalicoObjectError) {
    let spec = object["spec"]
    guard let cidr = spec["cidr"].string.flatMap({ IPPrefix($0) }), cidr.count <= 4096 else {
      throw CalicoObjectError(
        object, "spec.cidr", found: spec["cidr"], expected: "a prefix of at most 4096 addresses")
    }
    let attributes = spec["attributes"].elements
    var owners: [Owner?] = []
    for allocation in spec["allocations"].elements.prefix(4096) {
      if let index = allocation.int {
        guard attributes.indices.contains(index) else {
          throw CalicoObjectError(
            object, "spec.allocations[\(owners.count)]", found: allocation,
            expected: "null or an index below \(attributes.count)")
        }
        owners.append(
          Owner(
            handle: attributes[index]["handle_id"].string ?? "",
            attributes: attributes[index]["secondary"].strings))
      } else {
        owners.append(nil)
      }
    }
    let affinity = spec["affinity"].string
    guard
      let block = IPAMBlock(
        cidr: cidr,
        host: affinity.flatMap { $0.hasPrefix("host:") ? String($0.dropFirst(5)) : nil },
        strictAffinity: spec["strictAffinity"].bool ?? false, owners: owners,
        unallocated: spec["unallocated"].elements.compactMap(\.int))
    else {
      throw CalicoObjectError(
        object, "spec.allocations", found: JSON(owners.count),
        expected: "\(cidr.count) entries, and ordinals below that in spec.unallocated")
    }
    self = block
  }

  package var calicoObject: JSON {
    var attributes: [Owner] = []
    var positions: [Owner: Int] = [:]
    let allocations = owners.map { owner -> JSON in
      guard let owner else { return .null }
      if let position = positions[owner] { return JSON(position) }
      positions[owner] = attributes.count
      attributes.append(owner)
      return JSON(attributes.count - 1)
    }
    var spec: JSON = [
      "cidr": .string(cidr.description), "strictAffinity": .bool(strictAffinity), "deleted": false,
      "allocations": .array(allocations), "unallocated": .array(unallocated.map { JSON($0) }),
      "attributes": .array(
        attributes.map {
          ["handle_id": .string($0.handle), "secondary": JSON($0.attributes)]
        }),
    ]
    if let host { spec["affinity"] = .string("host:\(host)") }
    return [
      "apiVersion": .string(CalicoObjects.apiVersion), "kind": "IPAMBlock",
      "metadata": ["name": .string(CalicoObjects.name(of: cidr))], "spec": spec,
    ]
  }
}
