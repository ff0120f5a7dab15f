import Addressing
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes

extension NodeAgent {
  private static let leasePeriod = Duration.seconds(2)
  private static let leaseDuration = 10

  /// Registers the Node, keeps its lease and its conditions.
  func startNode() {
    nodeRegistration = Task { @Loop in
      await register()
      while !Task.isCancelled {
        await renewLease()
        do {
          try host.ensureAddress()
        } catch {
          log.warning("node address \(options.address): \(error)")
        }
        try? await Loop.sleep(Self.leasePeriod)
      }
    }
  }

  private func register() async {
    var delay = Duration.milliseconds(20)
    var isTold = false
    while !Task.isCancelled {
      do {
        try await prepareAddresses()
        try await writeNode()
        log.info("node \(nodeName) registered, pod addresses from \(addresses.blocks)")
        return
      } catch {
        if !isTold { log.warning("node \(nodeName) cannot register yet: \(error)") }
        isTold = true
        node.problem = String(describing: error)
        // A node whose addresses fail is still to be seen, and why.
        if error is APIStatus || addresses.blocks.isEmpty { try? await writeNode() }
        try? await Loop.sleep(delay)
        delay = min(delay * 2, .seconds(1))
      }
    }
  }

  /// A pool, and a block of it.
  private func prepareAddresses() async throws {
    var pools = try await api.list(.ipPools)
    if pools.isEmpty {
      let pool = try IPPool(
        name: "default-ipv4-ippool", cidr: options.podCIDR, blockLength: options.blockLength)
      do {
        pools = [try await api.create(.ipPools, pool.calicoObject)]
      } catch let status as APIStatus where status.isAlreadyExists {
        pools = try await api.list(.ipPools)
      }
    }
    addresses.setPools(decodePools(pools))
    try await addresses.reconcile()
    blocksChanged(addresses.blocks)
  }

  func decodePools(_ objects: [JSON]) -> [IPPool] {
    objects.sorted { ResourceName(of: $0) < ResourceName(of: $1) }.compactMap { object in
      do {
        return try IPPool(calico: object)
      } catch {
        log.warning("\(error)")
        return nil
      }
    }
  }

  func blocksChanged(_ blocks: [IPPrefix]) {
    guard node.blocks != blocks || node.isReady != !blocks.isEmpty else { return }
    node.blocks = blocks
    node.isReady = !blocks.isEmpty
    networkChanged()
    if reportedNode != .null { Task { @Loop in try? await writeNode() } }
  }

  /// Creates or updates the Node object and its status.
  private func writeNode() async throws {
    let name = ResourceName(name: nodeName)
    var current: JSON
    do {
      var object = node.object
      object["status"] = node.status(previous: .null, at: .now)
      current = try await api.create(.nodes, object)
    } catch let status as APIStatus where status.isAlreadyExists {
      var patch = node.object
      let found = try await api.get(.nodes, name)
      // A node keeps its first pod CIDR: Kubernetes forbids to change it.
      if !found["spec"]["podCIDR"].isNull { patch["spec"] = .null }
      current = try await api.merge(.nodes, name, subresource: nil, patch)
    }
    let status = node.status(previous: current["status"], at: .now)
    current = try await api.merge(.nodes, name, subresource: "status", ["status": status])
    reportedNode = current
  }

  /// Others may take this node for lost, or delete it: it says that it is there.
  func ownNodeChanged(_ object: JSON?) {
    guard reportedNode != .null else { return }
    if let object, Node(json: object).isReady == node.isReady { return }
    Task { @Loop in try? await writeNode() }
  }

  private func renewLease() async {
    let name = ResourceName(namespace: "kube-node-lease", name: nodeName)
    let spec: JSON = [
      "holderIdentity": .string(nodeName), "leaseDurationSeconds": JSON(Self.leaseDuration),
      "renewTime": .string(Timestamp.now.microText),
    ]
    do {
      do {
        _ = try await api.merge(.leases, name, subresource: nil, ["spec": spec])
      } catch let status as APIStatus where status.isNotFound {
        _ = try await api.create(
          .leases,
          [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["name": .string(nodeName), "namespace": .string(name.namespace)],
            "spec": spec,
          ])
      }
    } catch {
      log.debug("lease not renewed: \(error)")
    }
  }
}
