import Kubernetes
import NetTypes

/// The Node object that a node's process writes of itself.
package struct NodeObject: Hashable, Sendable {
  package var name: String
  package var address: InterfaceAddress
  package var isControlPlane: Bool
  package var kubeletPort: UInt16
  package var machine: MachineFacts
  package var blocks: [IPPrefix]
  package var isReady: Bool
  /// What keeps it from being ready.
  package var problem: String

  /// The version that `kubectl get nodes` shows.
  static let version = "v1.32.0"

  package init(_ options: NodeOptions, machine: MachineFacts) {
    name = options.nodeName
    address = options.address
    isControlPlane = options.isControlPlane
    kubeletPort = options.kubeletPort
    self.machine = machine
    blocks = []
    isReady = false
    problem = "no block of pod addresses yet"
  }

  package var labels: [String: String] {
    var labels = [
      "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
      "kubernetes.io/arch": machine.architecture,
    ]
    if isControlPlane { labels["node-role.kubernetes.io/control-plane"] = "true" }
    return labels
  }

  /// Everything but status: also a merge patch for a Node that exists.
  package var object: JSON {
    var object: JSON = [
      "apiVersion": "v1", "kind": "Node",
      "metadata": [
        "name": .string(name), "labels": JSON(labels),
        "annotations": ["projectcalico.org/IPv4Address": .string(address.description)],
      ],
    ]
    if let block = blocks.first {
      object["spec"] = [
        "podCIDR": .string(block.description), "podCIDRs": [.string(block.description)],
      ]
    }
    return object
  }

  /// - Parameter previous: the status before, whose transition times are kept.
  package func status(previous: JSON, at now: Timestamp) -> JSON {
    var view = Node(json: ["status": ["conditions": previous["conditions"]]])
    func set(_ type: String, _ status: Bool, _ reason: String, _ message: String) {
      view.setCondition(
        Condition(
          type: type, status: status, reason: reason, message: message, at: now, heartbeat: true))
    }
    set(
      "NetworkUnavailable", blocks.isEmpty, blocks.isEmpty ? "NoAddressBlock" : "CalicoIsUp",
      blocks.isEmpty ? problem : "pod addresses from \(blocks[0])")
    set(
      "MemoryPressure", false, "KubeletHasSufficientMemory",
      "kubelet has sufficient memory available")
    set("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
    set("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available")
    set(
      "Ready", isReady, isReady ? "KubeletReady" : "KubeletNotReady",
      isReady ? "kubelet is posting ready status" : problem)
    return [
      "conditions": .array(view.conditions.map { $0.json }),
      "addresses": [
        ["type": "InternalIP", "address": .string(address.address.description)],
        ["type": "Hostname", "address": .string(name)],
      ],
      "capacity": machine.resources, "allocatable": machine.resources,
      "daemonEndpoints": ["kubeletEndpoint": ["Port": JSON(Int(kubeletPort))]],
      "nodeInfo": [
        "machineID": .string(machine.machineID), "systemUUID": .string(machine.machineID),
        "bootID": .string(machine.bootID), "kernelVersion": .string(machine.kernel),
        "osImage": .string(machine.system), "containerRuntimeVersion": "runc://1.1",
        "kubeletVersion": .string(Self.version), "kubeProxyVersion": .string(Self.version),
        "operatingSystem": "linux", "architecture": .string(machine.architecture),
      ],
    ]
  }
}
