import Linux

/// Whom a container's first process runs as: the specification's numbers over the image's `USER`,
/// names looked up in the image's own /etc/passwd and /etc/group.
struct ContainerUser: Equatable {
  let userID: UInt32
  let groupID: UInt32
  let additionalGroups: [UInt32]

  /// - Throws: for a name the image does not know, and for root where it is refused.
  init(of spec: ContainerSpec) throws(ContainerError) {
    let parts = spec.image.user.split(
      separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let accounts = Self.table("etc/passwd", of: spec.image)
    let groups = Self.table("etc/group", of: spec.image)

    let account: [Substring]?
    if let number = spec.userID ?? (parts[0].isEmpty ? 0 : UInt32(parts[0])) {
      userID = number
      account = accounts.first { $0.count > 3 && UInt32($0[2]) == number }
    } else {
      account = accounts.first { $0.count > 3 && $0[0] == parts[0] }
      guard let number = account.flatMap({ UInt32($0[2]) }) else {
        throw ContainerError(
          description: "unable to find user \(parts[0]): no matching entries in passwd file")
      }
      userID = number
    }
    if spec.mustNotBeRoot, userID == 0 {
      throw ContainerError(
        description: "container has runAsNonRoot and image will run as root")
    }

    let named = spec.userID == nil && parts.count > 1 && !parts[1].isEmpty ? parts[1] : nil
    if let number = spec.groupID ?? named.flatMap({ UInt32($0) }) {
      groupID = number
    } else if let named {
      let group = groups.first { $0.count > 2 && $0[0] == named }
      guard let number = group.flatMap({ UInt32($0[2]) }) else {
        throw ContainerError(
          description: "unable to find group \(named): no matching entries in group file")
      }
      groupID = number
    } else {
      groupID = account.flatMap { UInt32($0[3]) } ?? 0
    }

    let member = account?[0]
    let memberships = groups.compactMap { group -> UInt32? in
      guard let member, group.count > 3, group[3].split(separator: ",").contains(member) else {
        return nil
      }
      return UInt32(group[2])
    }
    let primary = groupID
    additionalGroups = spec.supplementaryGroups + memberships.filter { $0 != primary }
  }

  /// The fields of a file such as passwd(5); empty if the image has none.
  private static func table(_ path: String, of image: Image) -> [[Substring]] {
    guard let bytes = try? FileSystem.read(path, inRoot: image.root) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: ":", omittingEmptySubsequences: false)
    }
  }
}
